"""Training of the ranker on held-out baskets."""
