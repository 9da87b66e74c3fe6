"""Ablations: the quality when a part of the system is missing, or done another way."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
from rich.console import Console

from index_builder.config import BuildConfig
from index_builder.evaluation.left_out import LeftOut
from index_builder.measuring.quality import RankingFunction, ranking_function
from index_builder.measuring.scorer import Scorer, top
from index_builder.transactions.encoded.held_out import HeldOut
from index_builder.transactions.transactions import Transactions
from service.bundle.bundle import Bundle
from service.recommending.recommender import Recommender
from service.recommending.searching.queries import build_queries
from service.recommending.weights import Weights
from service.settings import RecommendOptions
from service.support.arrays.array_types import Float32

AS_SERVED = "as served"
_BLENDED = "no ranker: the blended score"
_EVERY = "every item an anchor"
_BLENDED_EVERY = "blended, every item an anchor"
_BLENDED_ONE = "blended, the ranker's candidates"
_BOTH = "Eq. 4: both directions"

_NO_CHANGES: Mapping[str, object] = {}
_UNRANKED: dict[str, object] = {"ranker": False}
_UNSEARCHED: dict[str, object] = {"search": "none"}


@dataclass(frozen=True)
class Ablation:
    """A ranking function that differs from another in one thing.

    Attributes:
        name: what differs.
        beside: name of the other, which came before; its own name if others are compared with it.
        rank: the ranking function.
        kind: whether a part of the system is missing, or one is done another way.
    """

    name: str
    beside: str
    rank: RankingFunction
    kind: Literal["part", "choice"]


def ablations(
    bundle: Bundle, transactions: Transactions, config: BuildConfig, console: Console
) -> Iterator[Ablation]:
    """Yields the ablations one by one, since one of them has to be trained first.

    Args:
        bundle: the bundle.
        transactions: those it was built from, to train a ranker without vectors.
        config: of its build.
        console: where progress is shown.
    """
    yield from _parts(bundle, transactions, config, console)
    yield from _anchors(bundle)
    yield from _directions(bundle)


def _parts(
    bundle: Bundle, transactions: Transactions, config: BuildConfig, console: Console
) -> Iterator[Ablation]:
    part = partial(Ablation, beside=AS_SERVED, kind="part")
    stranger = ranking_function(Recommender(bundle), bundle, stranger=True)
    yield part("no shopper: a stranger's answer", rank=stranger)
    if bundle.tree_root is not None:
        left_out = LeftOut(bundle, transactions, config, console)
        yield part("no vectors: ranker retrained", rank=_ranking(left_out.vectors()))
        yield part("no neighbours: ranker retrained", rank=_ranking(left_out.neighbours()))
        yield part("no search: history and best sellers", rank=_ranking(bundle, _UNSEARCHED))
        yield part(_BLENDED, rank=_ranking(bundle, _UNRANKED))
    weights = Weights.read(bundle.manifest.serving, "vectors_")
    # All candidates come from the index.
    bare = _UNRANKED | {"history_candidates": 0, "search": "mean"}
    yield part("no ranker, no history", rank=_ranking(bundle, bare, weights))
    no_prior = replace(weights, popularity=0)
    yield part("no ranker, history or prior", rank=_ranking(bundle, bare, no_prior))


def _anchors(bundle: Bundle) -> Iterator[Ablation]:
    """Other choices of the anchors, and searches for their mean or for each of them."""
    choice = partial(Ablation, kind="choice")
    every: dict[str, object] = {"anchor_limit": sys.maxsize}
    half: dict[str, object] = {"anchor_limit": 1, "anchor_fraction": 0.5}
    yield choice(_EVERY, AS_SERVED, _ranking(bundle, every))
    yield choice("half of the items anchors", _EVERY, _ranking(bundle, half))
    if bundle.tree_root is None:
        return
    yield choice("one search for the mean", AS_SERVED, _ranking(bundle, {"search": "mean"}))
    yield choice(_BLENDED_EVERY, _BLENDED, _ranking(bundle, _UNRANKED | every))
    yield choice("blended, half of the items", _BLENDED_EVERY, _ranking(bundle, _UNRANKED | half))
    # Without trees, the recommender blends the candidates that trees would rank.
    treeless = replace(bundle, tree_root=None)
    yield choice(_BLENDED_ONE, _BLENDED, _ranking(treeless))
    rank = _ranking(treeless, {"search": "mean"})
    yield choice("the same, one search for the mean", _BLENDED_ONE, rank)


def _directions(bundle: Bundle) -> Iterator[Ablation]:
    """Vectors and prior over the whole catalogue, by both directions of Eq. 4 and by each alone."""
    for name, p_factor, q_factor in (
        (_BOTH, 1, 1),
        ("p_j·(q_i + h_u) alone", 2, 0),
        ("q_j·(p_i + h_u) alone", 0, 2),
    ):
        yield Ablation(name, _BOTH, top(_densely(bundle, p_factor, q_factor)), "choice")


def _ranking(
    bundle: Bundle, changes: Mapping[str, object] = _NO_CHANGES, weights: Weights | None = None
) -> RankingFunction:
    options = RecommendOptions().model_copy(update=changes)
    return ranking_function(Recommender(bundle, options, weights), bundle)


def _densely(bundle: Bundle, p_factor: int, q_factor: int) -> Scorer:
    """Scores every item, with the parts of p_j and q_j in the query multiplied by the factors.

    The factor of a direction that stands alone is 2, so that the prior keeps its relative weight.
    """
    weights = Weights.read(bundle.manifest.serving, "vectors_")
    recommender = Recommender(bundle)
    d = bundle.user_h.shape[1]
    factors = np.repeat(np.array([p_factor, q_factor, 1], np.float32), (d, d, 1))

    def score(basket: HeldOut) -> Float32:
        anchors = recommender.anchors(basket.given, bundle.user_ids[basket.user])
        user_h = bundle.user_h[basket.user]
        query = build_queries(bundle.item_vectors, anchors, user_h, weights).mean(axis=0)
        scores: Float32 = bundle.item_vectors @ (factors * query)
        return scores

    return score
