"""The contents of a bundle, from what the stages of a build produced."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from pydantic import JsonValue

from index_builder.config import (
    AssociationRulesConfig,
    BuildConfig,
    RankerConfig,
    SubstitutesConfig,
)
from index_builder.embeddings.triple2vec import Embeddings, log_share
from index_builder.index.closest_lists import closest_items
from index_builder.index.tuning import BuiltIndex
from index_builder.rules.levels import category_lift, item_rules
from index_builder.statistics.histories import histories
from index_builder.statistics.neighbours import neighbours
from index_builder.statistics.past_baskets import past_baskets
from index_builder.statistics.substitutes import substitutes
from index_builder.statistics.trends import item_rhythm, item_trend
from index_builder.transactions.encoding import EncodedTransactions
from service.bundle.bundle import BundleContents, Catalogue
from service.recommending.basket_score.score_columns import COLUMNS
from service.recommending.basket_score.scorer import ScoreCurve
from service.recommending.queries import build_queries
from service.recommending.ranking.features import FEATURES
from service.recommending.ranking.trees import Trees
from service.recommending.weights import Weights
from service.support.array_types import Float32
from service.support.offsets import offsets

__all__ = ["assemble", "catalogue_of", "with_association_rules", "with_closest", "with_ranker"]
__all__ += ["with_score", "with_substitutes", "with_trees"]


_RECALL_QUERIES = 200
_LATE_SHARE = 0.1  # of the training baskets, the last ones


def assemble(
    encoded: EncodedTransactions,
    embeddings: Embeddings,
    config: BuildConfig,
    as_of: datetime,
    index: Callable[[Float32, Float32], BuiltIndex],
    weights: Weights,
    vectors_alone: Weights,
    metrics: Mapping[str, JsonValue] | None = None,
) -> BundleContents:
    """Lays out the arrays, has the index built over them, and puts everything together.

    Args:
        encoded: the training baskets; all began before `as_of`.
        embeddings: trained on them.
        config: stored, and consulted for half-life and index.
        as_of: UTC, naive.
        index: builds the index from rows and sample queries, both (…, 2d + 1) float32.
        weights: of the parts of a score.
        vectors_alone: the same without history.
        metrics: offline metrics.
    """
    prior = log_share(encoded.item_count).astype(np.float32)
    rows = np.hstack([embeddings.item_p, embeddings.item_q, prior[:, None]])
    queries = _sample_queries(encoded, rows, embeddings.user_h, weights, config.train.seed)
    built = index(rows, queries)
    history = histories(encoded, encoded.n_users, encoded.n_items, config.recency_half_life_days)
    return BundleContents(
        item_vectors=rows,
        item_count=encoded.item_count,
        user_h=embeddings.user_h,
        history_indptr=history.indptr,
        history_item=history.item,
        history_count=history.count,
        history_recency=history.recency,
        history_last=history.last,
        recall_queries=queries,
        catalogue=catalogue_of(encoded),
        user_ids=encoded.user_ids,
        retrieval=built.retrieval,
        ann_recall_at_k=built.ann_recall_at_k,
        index_frontier=built.frontier,
        ann_recall_k=config.index.ann_recall_k,
        ann_recall_target=config.index.ann_recall_target,
        as_of=as_of.isoformat(),
        build=config.model_dump(mode="json"),
        serving={"ranking": "blend"} | weights.write() | vectors_alone.write("vectors_"),
        metrics=metrics or {},
    )


def catalogue_of(encoded: EncodedTransactions) -> Catalogue:
    """What the item indices of training baskets stand for."""
    items = encoded.items
    return Catalogue(
        *(items[name].to_list() for name in ("item_id", "name")),
        *(items[name].to_list() for name in ("department", "category", "subcategory")),
        *(items[name].to_list() if name in items else None for name in ("brand", "price")),
    )


def with_closest(contents: BundleContents, places: int) -> BundleContents:
    """Adds the lists of each item's closest, found by the index."""
    if not places:
        return contents
    weights = Weights.read(contents.serving)
    closest = closest_items(contents.item_vectors, contents.retrieval, weights, places)
    return replace(contents, closest_item=closest)


def with_ranker(
    contents: BundleContents, encoded: EncodedTransactions, config: RankerConfig
) -> BundleContents:
    """Adds what the features are made from."""
    past = past_baskets(encoded, encoded.n_users)
    near = neighbours(encoded, config.neighbours)
    as_of = int(datetime.fromisoformat(contents.as_of).replace(tzinfo=UTC).timestamp())
    return replace(
        contents,
        past_indptr=past.indptr,
        past_begun=past.begun,
        past_item_indptr=past.item_indptr,
        past_item=past.item,
        neighbour_indptr=near.indptr,
        neighbour_item=near.item,
        neighbour_count=near.count,
        item_trend=item_trend(encoded, encoded.n_items, as_of),
        item_rhythm=item_rhythm(encoded, encoded.n_items, as_of),
    )


def with_association_rules(
    contents: BundleContents, encoded: EncodedTransactions, config: AssociationRulesConfig
) -> BundleContents:
    """Adds the association rules, filed by the last item of their antecedent."""
    rules = item_rules(encoded, config)
    filed = np.bincount(rules.antecedent.max(axis=1, initial=-1), minlength=encoded.n_items)
    categories = contents.catalogue.taxonomy.category
    return replace(
        contents,
        metrics={
            **contents.metrics,
            "rules": {"count": len(rules.lift), "complete": rules.complete},
        },
        rule_indptr=offsets(filed),
        rule_antecedent=rules.antecedent,
        rule_consequent=rules.consequent,
        rule_support=rules.support.astype(np.float32),
        rule_confidence=rules.confidence.astype(np.float32),
        rule_lift=rules.lift.astype(np.float32),
        category_lift=category_lift(encoded, categories, config.min_expected_baskets),
    )


def with_trees(contents: BundleContents, trees: Trees) -> BundleContents:
    """Adds the trees."""
    return replace(
        contents,
        serving={**contents.serving, "ranking": "trees", "features": " ".join(FEATURES)},
        **trees.arrays(),
    )


def with_score(
    contents: BundleContents, personal: ScoreCurve, population: ScoreCurve
) -> BundleContents:
    """Adds the trees of the basket score, and behind them those of the population score."""
    first, second = personal.trees, population.trees
    behind = np.int32(len(first.feature))
    return replace(
        contents,
        serving={
            **contents.serving,
            "score_columns": " ".join(COLUMNS),
            "score_intercept": personal.intercept,
            "population_intercept": population.intercept,
        },
        score_root=first.roots,
        score_population_root=behind + second.roots,
        score_feature=np.concatenate([first.feature, second.feature]),
        score_threshold=np.concatenate([first.threshold, second.threshold]),
        score_left=np.concatenate([first.left, behind + second.left]),
        score_right=np.concatenate([first.right, behind + second.right]),
        score_value=np.concatenate([first.value, second.value]),
    )


def with_substitutes(
    contents: BundleContents, encoded: EncodedTransactions, config: SubstitutesConfig
) -> BundleContents:
    """Adds what replaces each item."""
    found = substitutes(encoded, contents.catalogue.subcategories, config)
    return replace(
        contents,
        substitute_indptr=found.indptr,
        substitute_item=found.item,
        substitute_score=found.score,
    )


def _sample_queries(
    encoded: EncodedTransactions, rows: Float32, user_h: Float32, weights: Weights, seed: int
) -> Float32:
    """A query from each of some late baskets, which are the most like those to come.

    The first half have one anchor each; the others are asked as the service asks by default, with
    the mean over all anchors.
    """
    rng = np.random.default_rng(seed)
    n = encoded.n_baskets
    late = np.arange(n - max(min(n, _RECALL_QUERIES), round(_LATE_SHARE * n)), n)
    baskets = rng.choice(late, min(len(late), _RECALL_QUERIES), replace=False)
    queries = []
    for place, basket in enumerate(np.sort(baskets)):
        start, stop = encoded.basket_indptr[basket : basket + 2]
        anchors = encoded.basket_items[start:stop]
        if place < len(baskets) // 2:
            anchors = rng.choice(anchors, 1)
        of_anchors = build_queries(rows, anchors, user_h[encoded.basket_user[basket]], weights)
        queries.append(of_anchors.mean(axis=0, keepdims=True))
    return np.concatenate(queries)
