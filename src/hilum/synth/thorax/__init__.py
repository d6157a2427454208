"""The healthy chest: whose it is, where things are, and the solids and tubes it is made of.

Start at ``thorax``: ``make_thorax`` turns a ``Build`` into a ``Thorax`` on a ``Grid``.
"""
