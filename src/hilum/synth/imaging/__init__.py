"""From densities to a film: line integrals, the beam's spectrum, detector and display.

Start at ``projection``, then ``film``; ``attenuation.csv`` holds what matter lets through.
"""
