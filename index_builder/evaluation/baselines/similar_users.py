"""The opponents that ask similar users: TIFU-KNN and UP-CF."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from rich.console import Console

from index_builder.evaluation.baselines.methods.tifu_knn import tifu_knn
from index_builder.evaluation.baselines.methods.up_cf import up_cf
from index_builder.evaluation.baselines.opponent import Opponent, fitting, told, tuned
from index_builder.evaluation.baselines.tuning import Slice
from index_builder.measuring.scorer import Scorer
from index_builder.transactions.encoded.encoding import EncodedTransactions

# The first value of each is the default, for too few baskets to tune on.
_TIFU_KNN = {
    "basket_decay": (0.9, 1),
    "group_decay": (0.7, 0.8, 0.9),
    "group_size": (7, 3, 12),
    "own_share": (0.7, 0.6, 0.5),
    "neighbours": (300, 100, 900),
    "basket_weight": (1, 0.1, 3),
}
_UP_CF = {
    "recent": (25, 10, 50),
    "asymmetry": (0.5, 0.75, 1),
    "locality": (5, 10, 20),
    "basket_weight": (1, 10, 100),
}
_METHODS: Mapping[str, tuple[Callable[..., Scorer], Mapping[str, Sequence[float]]]] = {
    "TIFU-KNN": (tifu_knn, _TIFU_KNN),
    "UP-CF": (up_cf, _UP_CF),
}


def similar_users(
    encoded: EncodedTransactions, days: Slice, console: Console
) -> Iterator[Opponent]:
    """TIFU-KNN and UP-CF.

    Args:
        encoded: the training baskets.
        days: choose the settings.
        console: where they are shown.
    """
    for name, (fit, settings) in _METHODS.items():
        with fitting(console, name):
            chosen = days.one_by_one(settings, partial(fit, days.past))
            scorer = fit(encoded, **chosen)
        yield tuned(name, scorer, told(chosen), console)
