"""The opponents: simple methods that a recommender must beat, and the methods of the papers.

`opponents` has them all, tuned; `methods` has the scorers.
"""
