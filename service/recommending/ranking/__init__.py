"""The ranker: features of every candidate, and trees that score them."""
