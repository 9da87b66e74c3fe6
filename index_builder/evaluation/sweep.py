"""The trade: what recommendations gain and lose where lists are to be mixed, or without doubles."""

from collections.abc import Iterator
from dataclasses import dataclass

from index_builder.measuring.quality import Measured, Ranker, ranker_of
from index_builder.measuring.spread import Spread
from service.bundle.bundle import Bundle
from service.recommending.recommender import Recommender
from service.settings import Settings

__all__ = ["LAMBDAS", "SUBSTITUTE_WEIGHTS", "Traded", "rankers"]

LAMBDAS = (1.0, 0.98, 0.95, 0.92, 0.88, 0.84, 0.8, 0.7, 0.5)
SUBSTITUTE_WEIGHTS = (1.0, 0.5, 0.25, 0.1)


@dataclass(frozen=True, eq=False)
class Traded:
    """One value of a setting, and what came of it; everything else is as by default."""

    value: float
    measured: Measured
    spread: Spread


def rankers(bundle: Bundle, setting: str) -> Iterator[tuple[float, Ranker]]:
    """The production recommender at several values of one setting, the neutral value first.

    Args:
        bundle: what it answers from.
        setting: `mmr_lambda` or `substitute_weight`; the latter only where it can do something.
    """
    values = LAMBDAS if setting == "mmr_lambda" else SUBSTITUTE_WEIGHTS
    if setting == "substitute_weight" and bundle.substitute_indptr is None:
        return
    for value in values:
        settings = Settings.model_construct().model_copy(update={setting: value})
        yield value, ranker_of(Recommender(bundle, settings), bundle)
