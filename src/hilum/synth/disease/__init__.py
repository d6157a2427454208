"""What is wrong: findings inserted into a thorax, each growing with its extent.

Start at ``pathology``, the one entrance; ``findings.toml`` says how each finding grows.
"""
