"""Options under which nothing but the score decides the order of a list."""

from typing import Any

from service.settings import RecommendOptions, Settings

_BY_SCORE = {"mmr_lambda": 1, "substitute_weight": 1}


def by_score(**changes: Any) -> RecommendOptions:
    """Return the options, without diversity and with substitutes at their own score."""
    return RecommendOptions(**_BY_SCORE | changes)


def settings_by_score(**changes: Any) -> Settings:
    """Return the same as settings of a whole service."""
    return Settings(**_BY_SCORE | changes)
