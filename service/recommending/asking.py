"""Asking: one request, put to a recommender."""

from service.http.schemas import RecommendRequest
from service.profiles.profile import Profile
from service.recommending.recommender import Recommendations, Recommender

__all__ = ["ask"]


def ask(
    recommender: Recommender, asked: RecommendRequest, profile: Profile | None = None
) -> Recommendations:
    """Return what is recommended; `profile` is the shopper's, if it has been read already."""
    return recommender.recommend(
        asked.user_id,
        asked.basket,
        asked.k,
        asked.exclude_items,
        asked.exclude_categories,
        asked.explain,
        asked.store_id,
        profile=profile,
    )
