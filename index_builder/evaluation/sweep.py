"""The sweep of one setting: the production recommender at several values of it."""

from collections.abc import Iterator
from dataclasses import dataclass

from index_builder.measuring.list_diversity import ListDiversity
from index_builder.measuring.quality import Measured, RankingFunction, ranking_function
from service.bundle.bundle import Bundle
from service.recommending.recommender import Recommender
from service.settings import RecommendOptions

LAMBDAS = (1.0, 0.98, 0.95, 0.92, 0.88, 0.84, 0.8, 0.7, 0.5)
SUBSTITUTE_WEIGHTS = (1.0, 0.5, 0.25, 0.1)


@dataclass(frozen=True, eq=False)
class SweepPoint:
    """What was measured at one value of a setting; all other settings have their defaults."""

    value: float
    measured: Measured
    diversity: ListDiversity


def sweep(bundle: Bundle, setting: str) -> Iterator[tuple[float, RankingFunction]]:
    """Yields values of a setting, the neutral one first, with the recommender at this value.

    Args:
        bundle: what the recommender answers from.
        setting: `mmr_lambda` or `substitute_weight`; nothing for the latter if the bundle has no
            substitutes.
    """
    values = LAMBDAS if setting == "mmr_lambda" else SUBSTITUTE_WEIGHTS
    if setting == "substitute_weight" and bundle.substitute_indptr is None:
        return
    for value in values:
        options = RecommendOptions().model_copy(update={setting: value})
        yield value, ranking_function(Recommender(bundle, options), bundle)
