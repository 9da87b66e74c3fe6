"""Training of the ranker, from baskets whose outcome is known."""
