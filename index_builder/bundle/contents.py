"""The contents of a bundle, put together from the results of a build's stages."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from pydantic import JsonValue

from index_builder.bundle.recall_queries import list_queries, recall_queries
from index_builder.config import (
    AssociationRulesConfig,
    BuildConfig,
    IndexConfig,
    RankerConfig,
    SubstitutesConfig,
)
from index_builder.embeddings.embeddings import Embeddings, log_share
from index_builder.index.closest_lists import closest_items
from index_builder.index.tuning import BuiltIndex
from index_builder.statistics.histories import Histories, histories
from index_builder.statistics.neighbour_weights import neighbour_weights
from index_builder.statistics.neighbours import Neighbours, neighbours
from index_builder.statistics.past_baskets import PastBaskets, past_baskets
from index_builder.statistics.rules.levels import category_lift, item_rules
from index_builder.statistics.substitutes import SubstituteLists, substitutes
from index_builder.statistics.trends import item_rhythm, item_trend
from index_builder.transactions.categories import MORE
from index_builder.transactions.encoded.encoding import EncodedTransactions
from service.bundle.bundle import BundleContents, list_recall, preview_bundle
from service.bundle.catalogue import Catalogue
from service.recommending.basket_score.score_columns import COLUMNS
from service.recommending.basket_score.scorer import ScoreCurve
from service.recommending.ranking.features import FEATURES
from service.recommending.ranking.trees import Trees
from service.recommending.weights import Weights
from service.support.arrays.array_types import Float32
from service.support.arrays.offsets import offsets

_PLACES_PER_CANDIDATE = (2, 3, 4, 5, 6, 8, 12, 16)


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
    """Makes the contents that every bundle has: vectors, index, histories, names.

    Args:
        encoded: the training baskets; all began before `as_of`.
        embeddings: trained on them, with `n_user_rows` of users.
        config: of the build; stored in the manifest.
        as_of: the cut, naive UTC.
        index: builds the index from rows and sample queries, both (…, 2d + 1) float32.
        weights: of the parts of a score.
        vectors_alone: the same without history.
        metrics: offline metrics for the manifest.
    """
    prior = log_share(encoded.item_count).astype(np.float32)
    rows = np.hstack([embeddings.item_p, embeddings.item_q, prior[:, None]])
    queries = recall_queries(encoded, rows, embeddings.user_h, weights, config.train.seed)
    built = index(rows, queries)
    history = histories(
        encoded.of_users, encoded.n_users, encoded.n_items, config.recency_half_life_days
    )
    return BundleContents(
        item_vectors=rows,
        item_count=encoded.item_count,
        user_h=embeddings.user_h[: encoded.n_users],
        **_named("history", history),
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
    """The catalogue of the training baskets, in the order of the item indices."""
    items = encoded.items
    return Catalogue(
        *(items[name].to_list() for name in ("item_id", "name")),
        *(items[name].to_list() for name in ("department", "category", "subcategory")),
        *(
            items[name].to_list() if name in items else None
            for name in ("brand", "price", MORE, "group_id")
        ),
    )


def with_closest(
    contents: BundleContents, encoded: EncodedTransactions, config: BuildConfig
) -> BundleContents:
    """Adds the lists of each item's closest items, if the ranker's arrays are there.

    Of the lengths that a list can have beside what is asked of it, the shortest is chosen that
    reaches the recall target of the index: the more the user weighs, the longer. If none does,
    there are no lists. The metric `list_recall` has the recall of each length that was tried.

    Args:
        contents: with the arrays of `with_ranker`.
        encoded: the training baskets.
        config: of the build.
    """
    if not config.index.closest or contents.neighbour_weight is None:
        return contents
    weights = Weights.read(contents.serving)
    near = Neighbours(
        *(getattr(contents, f"neighbour_{each}") for each in ("indptr", "item", "count"))
    )
    closest = closest_items(
        contents.item_vectors, contents.retrieval, weights, config.index.closest, near,
        contents.neighbour_weight, config.train.threads,
    )  # fmt: skip
    queries, anchors = list_queries(encoded, contents, weights, config.train.seed)
    listed = replace(
        contents,
        closest_item=closest.item,
        closest_weight=closest.weight,
        list_queries=queries,
        list_anchor=anchors,
    )
    recalls: dict[str, JsonValue] = {}
    for places in (each for each in _PLACES_PER_CANDIDATE if each <= config.index.closest):
        serving = {**contents.serving, "places_per_candidate": places}
        made = replace(listed, serving=serving)
        recall = list_recall(preview_bundle(made))
        recalls[str(places)] = recall
        if recall >= config.index.ann_recall_target:
            return replace(made, list_recall_at_k=recall, metrics=_with(made, recalls))
    return replace(contents, metrics=_with(contents, recalls))


def _with(contents: BundleContents, recalls: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """The metrics, and the recall of the lists by the places for each candidate."""
    return {**contents.metrics, "list_recall": recalls}


def why_no_lists(contents: BundleContents, config: IndexConfig) -> str | None:
    """Says what the lists lacked if all lengths missed the recall target; None if none did."""
    recalls = contents.metrics.get("list_recall")
    if not isinstance(recalls, dict) or contents.closest_item is not None:
        return None
    found = ", ".join(f"{recall:.4f} with {places}" for places, recall in recalls.items())
    return (
        f"No lists of closest items: expected recall of {config.ann_recall_target} or more, found "
        f"{found or 'none long enough'} places for each candidate, of {config.closest} in a list. "
        "The service will search the index for each anchor, which is slower."
    )


def with_ranker(
    contents: BundleContents, encoded: EncodedTransactions, config: RankerConfig
) -> BundleContents:
    """Adds the arrays that the features are made from."""
    near = neighbours(encoded, config.neighbours)
    weights = neighbour_weights(encoded, near, config.neighbour_regularisation)
    as_of = int(datetime.fromisoformat(contents.as_of).replace(tzinfo=UTC).timestamp())
    return replace(
        contents,
        **_named("past", past_baskets(encoded.of_users, encoded.n_users)),
        **_named("neighbour", near),
        neighbour_weight=weights.to,
        neighbour_weight_back=weights.back,
        item_trend=item_trend(encoded, encoded.n_items, as_of),
        item_rhythm=item_rhythm(encoded.of_users, encoded.n_users, encoded.n_items, as_of),
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
    """Adds the ranker's trees and the names of their columns."""
    return replace(
        contents,
        serving={**contents.serving, "ranking": "trees", "features": " ".join(FEATURES)},
        **trees.arrays(),
    )


def with_score(
    contents: BundleContents, personal: ScoreCurve, population: ScoreCurve
) -> BundleContents:
    """Adds the trees of the personal score, followed by those of the population score."""
    first, second = personal.trees, population.trees
    shift = np.int32(len(first.feature))
    return replace(
        contents,
        serving={
            **contents.serving,
            "score_columns": " ".join(COLUMNS),
            "score_intercept": personal.intercept,
            "population_intercept": population.intercept,
        },
        score_root=first.roots,
        score_population_root=shift + second.roots,
        score_feature=np.concatenate([first.feature, second.feature]),
        score_threshold=np.concatenate([first.threshold, second.threshold]),
        score_left=np.concatenate([first.left, shift + second.left]),
        score_right=np.concatenate([first.right, shift + second.right]),
        score_value=np.concatenate([first.value, second.value]),
    )


def with_substitutes(
    contents: BundleContents, encoded: EncodedTransactions, config: SubstitutesConfig
) -> BundleContents:
    """Adds the substitutes of each item."""
    found = substitutes(encoded, contents.catalogue.taxonomy.subcategory, config)
    return replace(contents, **_named("substitute", found))


def _named(
    group: str, table: Histories | PastBaskets | Neighbours | SubstituteLists
) -> dict[str, Any]:
    """The columns of a table by the names of their arrays, `<group>_<column>`."""
    return {f"{group}_{name}": array for name, array in vars(table).items()}
