"""Settings under which nothing but the score decides the order of a list."""

from typing import Any

from service.settings import Settings


def by_score(**changes: Any) -> Settings:
    """Return the settings, without diversity and with substitutes at their own score."""
    return Settings(**{"mmr_lambda": 1, "substitute_weight": 1} | changes)
