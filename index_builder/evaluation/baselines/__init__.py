"""The opponents: simple ways to rank that a recommender must beat, and what the papers have.

Each module fits one way to score items on the training baskets; `measuring.scorer.top` makes a
ranking of it.
"""
