"""Training loops and recipes that reproduce the shipped weights (extra ``train``).

Nothing outside the command line imports this room: reading a radiograph never needs torch.
"""
