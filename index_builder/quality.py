"""Quality: recall_at_k and ndcg_at_k of any way to rank, on held-out baskets."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rich.table import Table

from index_builder.held_out import HeldOut
from service.bundle import Bundle
from service.recommender import Recommender

__all__ = ["K", "Quality", "Ranker", "measure", "quality_table", "ranker_of"]

K = 20

Ranker = Callable[[HeldOut], Sequence[int]]
"""Gives the best K item indices for a basket, none of which is in the basket."""


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


def measure(rank: Ranker, baskets: Iterable[HeldOut], bundle: Bundle) -> Quality:
    """Judges a ranker by the baskets, whose targets it must not see.

    Args:
        rank: the ranker.
        baskets: the held-out baskets.
        bundle: tells what each user had bought before.
    """
    scored = [_score(rank(basket), basket, _bought(bundle, basket.user)) for basket in baskets]
    if not scored:
        raise ValueError("expected held-out baskets, found none")
    columns = np.array(scored)
    counts = (~np.isnan(columns)).sum(axis=0)
    means = np.where(counts, np.nansum(columns, axis=0) / np.maximum(counts, 1), np.nan)
    recall, ndcg, recall_repeat, recall_new = means.tolist()
    return Quality(recall, ndcg, recall_repeat, recall_new, len(scored))


def ranker_of(recommender: Recommender, bundle: Bundle) -> Ranker:
    """The production recommender as a ranker."""
    item_ids, user_ids = bundle.catalogue.item_ids, bundle.user_ids

    def rank(basket: HeldOut) -> list[int]:
        given = [item_ids[item] for item in basket.given]
        answer = recommender.recommend(user_ids[basket.user], given, K)
        return [each.item_index for each in answer.items]

    return rank


def quality_table(rows: dict[str, Quality], title: str) -> Table:
    """The table that people read."""
    table = Table(title=title, title_justify="left")
    table.add_column("method")
    for column in (f"Recall@{K}", f"NDCG@{K}", "repeat targets", "new targets"):
        table.add_column(column, justify="right")
    for name, quality in rows.items():
        values = (quality.recall, quality.ndcg, quality.recall_repeat, quality.recall_new)
        table.add_row(name, *(f"{value:.3f}" for value in values))
    return table


def _bought(bundle: Bundle, user: int) -> npt.NDArray[np.int32]:
    return bundle.history_item[bundle.history_indptr[user] : bundle.history_indptr[user + 1]]


def _score(
    ranked: Sequence[int], basket: HeldOut, bought: npt.NDArray[np.int32]
) -> tuple[float, float, float, float]:
    hits = np.isin(np.asarray(ranked[:K]), basket.targets)
    discount = 1 / np.log2(np.arange(2, K + 2))
    ideal = discount[: len(basket.targets)].sum()
    found = np.isin(basket.targets, ranked[:K])
    repeat = np.isin(basket.targets, bought)
    return (
        float(found.mean()),
        float((hits * discount[: len(hits)]).sum() / ideal),
        float(found[repeat].mean()) if repeat.any() else np.nan,
        float(found[~repeat].mean()) if not repeat.all() else np.nan,
    )
