"""The opponents: simple ways to rank that a recommender must beat."""

from index_builder.baselines.popularity import item_popularity
from index_builder.baselines.purchases import user_frequency

__all__ = ["item_popularity", "user_frequency"]
