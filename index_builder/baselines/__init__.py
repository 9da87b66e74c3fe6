"""The opponents: simple ways to rank that a recommender must beat, and what the papers have.

Each module fits one way to score items on the training baskets; `top` makes a ranking of it.
"""

from index_builder.baselines.blend import blend
from index_builder.baselines.ease import ease
from index_builder.baselines.item_knn import item_knn
from index_builder.baselines.opponents import Opponent, opponents
from index_builder.baselines.popularity import item_popularity
from index_builder.baselines.purchases import purchases, recency_frequency, user_frequency
from index_builder.baselines.scorer import Scorer, top

__all__ = [
    "Opponent",
    "Scorer",
    "blend",
    "ease",
    "item_knn",
    "item_popularity",
    "opponents",
    "purchases",
    "recency_frequency",
    "top",
    "user_frequency",
]
