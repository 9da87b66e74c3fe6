"""The lists of closest items hold what they promise for every weight that a build may choose."""

from dataclasses import replace

import numpy as np
import pytest

from index_builder.bundle.contents import why_no_lists, with_closest
from index_builder.validation.blending import GRID
from service.bundle.bundle import Bundle, BundleContents, preview_bundle
from service.recommending.weights import Weights
from tests.data.ranked_shop import CONFIG, PLACES, ranked_contents, shop

TARGET = CONFIG.index.ann_recall_target
# History is no part of a query.
CHOICES = sorted({(each.user, each.popularity) for each in GRID})


def listed(user: float, popularity: float) -> BundleContents:
    """The shop's contents with lists for these weights."""
    made = ranked_contents()
    weights = Weights(user, popularity, 2, basket_exponent=0.5, neighbour=20)
    bare = replace(made, closest_item=None, closest_weight=None, list_queries=None)
    serving = {k: v for k, v in made.serving.items() if k != "places_per_candidate"}
    bare = replace(bare, list_anchor=None, list_recall_at_k=None, serving=serving | weights.write())
    return with_closest(bare, shop().encoded, CONFIG)


def tried(contents: BundleContents) -> dict[int, float]:
    """The recall of the lists by the places for each candidate, as the manifest has it."""
    recalls = contents.metrics["list_recall"]
    assert isinstance(recalls, dict)
    return {int(places): float(str(recall)) for places, recall in recalls.items()}


def plain_recall(bundle: Bundle, places: int) -> float:
    """The share of the exact best that the first places hold, by NumPy alone."""
    indptr, neighbours, weight, queries, anchors, lists = (
        bundle.required(name, "lists")
        for name in (
            "neighbour_indptr", "neighbour_item", "neighbour_weight",
            "list_queries", "list_anchor", "closest_item",
        )
    )  # fmt: skip
    k, factor = PLACES // places, Weights.read(bundle.manifest.serving).neighbour
    found = []
    for query, anchor in zip(queries, anchors, strict=True):
        near = slice(*indptr[anchor : anchor + 2])
        scores = bundle.item_vectors @ query
        scores[neighbours[near]] += np.float32(factor) * weight[near]
        scores[anchor] = -np.inf
        exact = np.argsort(-scores, kind="stable")[:k]
        found.append(np.isin(exact, lists[anchor, : places * k]))
    return float(np.mean(found))


def test_for_every_weight_the_shortest_length_that_holds_enough_is_chosen() -> None:
    lengths = set()
    for user, popularity in CHOICES:
        contents = listed(user, popularity)
        *shorter, chosen = recalls = tried(contents)
        assert all(recalls[each] < TARGET for each in shorter)
        assert contents.serving["places_per_candidate"] == chosen
        assert contents.list_recall_at_k == recalls[chosen]
        assert recalls[chosen] >= TARGET
        assert why_no_lists(contents, CONFIG.index) is None
        # The service takes the best of these places, so they hold no more than that.
        assert plain_recall(preview_bundle(contents), chosen) == pytest.approx(recalls[chosen])
        lengths.add(chosen)
    assert len(lengths) > 1, "one length for all weights: the world is too easy"


def test_users_that_outweigh_the_anchors_leave_no_lists_but_the_reason() -> None:
    contents = listed(user=100, popularity=0.125)
    assert list(tried(contents)) == [2, 3, 4, 5, 6, 8, 12, 16]
    assert max(tried(contents).values()) < TARGET
    assert contents.closest_item is None
    assert contents.list_queries is None
    assert contents.list_recall_at_k is None
    assert "places_per_candidate" not in contents.serving
    reason = why_no_lists(contents, CONFIG.index)
    assert reason is not None
    best = tried(contents)[16]
    assert reason.startswith(f"No lists of closest items: expected recall of {TARGET} or more")
    assert f"{best:.4f} with 16 places for each candidate, of {PLACES} in a list" in reason


def test_a_bundle_that_wants_no_lists_has_nothing_to_say() -> None:
    index = CONFIG.index.model_copy(update={"closest": 0})
    contents = replace(ranked_contents(), metrics={}, closest_item=None)
    without = with_closest(contents, shop().encoded, CONFIG.model_copy(update={"index": index}))
    assert without.closest_item is None
    assert why_no_lists(without, index) is None
