"""The training of vectors that find the rest of a basket."""
