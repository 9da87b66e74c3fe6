"""The opponents: simple methods that a recommender must beat, and the methods of the papers.

Each module fits one scorer on the training baskets; `measuring.scorer.top` ranks by its scores.
"""
