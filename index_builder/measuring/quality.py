"""Quality: recall_at_k and ndcg_at_k of a ranking function, on held-out baskets."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt
from rich.table import Table

from index_builder.transactions.encoded.held_out import HeldOut
from service.bundle.bundle import Bundle
from service.recommending.recommender import Recommender
from service.recommending.request import RecommendRequest
from service.support.arrays.array_types import Bool, Float64, Int32

K = 20

RankingFunction = Callable[[HeldOut], Sequence[int]]
"""Returns the best K item indices for a basket, best first, none of them in the basket."""

_NO_ITEM = -1  # fills an answer of fewer than K items
_DISCOUNT = 1 / np.log2(np.arange(2, K + 2))


@dataclass(frozen=True)
class Quality:
    """Means over baskets at K = 20; NaN where no basket has such a target.

    Attributes:
        recall: hits / targets.
        ndcg: DCG / ideal DCG of min(K, targets) hits.
        recall_repeat: recall over the targets that the user had bought before.
        recall_new: recall over those the user had not.
        baskets: number of test baskets.
    """

    recall: float
    ndcg: float
    recall_repeat: float
    recall_new: float
    baskets: int


@dataclass(frozen=True, eq=False)
class Measured:
    """The results of a ranking function, basket by basket; `quality` has their means.

    Attributes:
        users: (n,) int32 user index of each basket.
        ranked: (n, K) int32 item indices, best first; -1 where there were fewer than K.
        hits: (n, K) bool, whether the item was a target.
        recall, ndcg, recall_repeat, recall_new: (n,) float64, as in `Quality`; NaN for a basket
            without such a target.
    """

    users: Int32
    ranked: Int32
    hits: Bool
    recall: Float64
    ndcg: Float64
    recall_repeat: Float64
    recall_new: Float64

    def of(self, baskets: npt.NDArray[np.integer | np.bool_]) -> Self:
        """The same for some of the baskets, in the order in which they are named."""
        return replace(self, **{name: values[baskets] for name, values in vars(self).items()})

    @property
    def quality(self) -> Quality:
        """The means."""
        return Quality(
            _mean(self.recall),
            _mean(self.ndcg),
            _mean(self.recall_repeat),
            _mean(self.recall_new),
            len(self.users),
        )


def measure(rank: RankingFunction, baskets: Iterable[HeldOut], bundle: Bundle) -> Measured:
    """Measures a ranking function on held-out baskets; it must not read their targets.

    Args:
        rank: the ranking function.
        baskets: the held-out baskets.
        bundle: has what each user had bought before.
    """
    rows = [_judge(rank(basket), basket, _bought(bundle, basket.user)) for basket in baskets]
    if not rows:
        raise ValueError("expected held-out baskets, found none")
    users, ranked, hits, *scores = zip(*rows, strict=True)
    return Measured(
        np.array(users, np.int32), np.array(ranked), np.array(hits), *map(np.array, scores)
    )


def ranking_function(
    recommender: Recommender,
    bundle: Bundle,
    scores: list[list[float]] | None = None,
    stranger: bool = False,
) -> RankingFunction:
    """The production recommender as a ranking function.

    Args:
        recommender: as the service uses it.
        bundle: that of the recommender.
        scores: the scores of each answer, best first, are appended here.
        stranger: whether requests leave the user out.
    """

    def rank(basket: HeldOut) -> list[int]:
        answer = recommender.recommend(request_of(basket, bundle, stranger=stranger))
        if scores is not None:
            scores.append([each.score for each in answer.items])
        return [each.item_index for each in answer.items]

    return rank


def request_of(
    basket: HeldOut, bundle: Bundle, k: int = K, stranger: bool = False
) -> RecommendRequest:
    """The request for k recommendations to a held-out basket; a stranger's has no user."""
    given = [bundle.catalogue.item_ids[item] for item in basket.given]
    user_id = None if stranger else bundle.user_ids[basket.user]
    return RecommendRequest(user_id=user_id, basket=given, k=k)


def quality_table(rows: dict[str, Quality], title: str) -> Table:
    """The qualities of the methods as a table for the terminal."""
    table = Table(title=title, title_justify="left")
    table.add_column("method")
    for column in (f"Recall@{K}", f"NDCG@{K}", "repeat targets", "new targets"):
        table.add_column(column, justify="right")
    for name, quality in rows.items():
        values = (quality.recall, quality.ndcg, quality.recall_repeat, quality.recall_new)
        table.add_row(name, *(f"{value:.3f}" for value in values))
    return table


def _bought(bundle: Bundle, user: int) -> Int32:
    return bundle.history_item[bundle.history_indptr[user] : bundle.history_indptr[user + 1]]


def _judge(
    answer: Sequence[int], basket: HeldOut, bought: Int32
) -> tuple[int, Int32, Bool, float, float, float, float]:
    ranked = np.full(K, _NO_ITEM, np.int32)
    ranked[: len(answer)] = answer[:K]
    hits = np.isin(ranked, basket.targets)
    found = np.isin(basket.targets, ranked)
    repeat = np.isin(basket.targets, bought)
    ideal = _DISCOUNT[: len(basket.targets)].sum()
    ndcg = float((hits * _DISCOUNT).sum() / ideal)
    return (
        basket.user,
        ranked,
        hits,
        float(found.mean()),
        ndcg,
        float(found[repeat].mean()) if repeat.any() else np.nan,
        float(found[~repeat].mean()) if not repeat.all() else np.nan,
    )


def _mean(values: Float64) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan
