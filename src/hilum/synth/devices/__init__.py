"""What was put in: tubes, lines, generators and wires along curves in patient space.

Start at ``devices``: ``add_device`` inserts one; ``devices.csv`` says what each is made of.
"""
