"""The diversity of lists, by hand."""

from dataclasses import replace

import numpy as np
import pytest

from index_builder.measuring.list_diversity import ListDiversity
from service.bundle.bundle import Bundle, preview_bundle
from service.support.arrays.array_types import Int32
from tests.data.tiny_bundle import N_ITEMS, tiny_contents


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    """Items 0 and 1 point one way, 2 the opposite way, 3 at a right angle, whatever their prior."""
    contents = tiny_contents()
    vectors = contents.item_vectors.copy()
    vectors[:4, :-1] = 0
    vectors[:4, 0] = 1, 2, -1, 0
    vectors[3, 1] = 5
    return preview_bundle(replace(contents, item_vectors=vectors))


def ranked(*rows: list[int]) -> Int32:
    return np.array(rows, np.int32)


@pytest.mark.parametrize(
    ("items", "distance"),
    [([0, 1], 0), ([0, 2], 2), ([0, 3], 1), ([0, 1, 3], 2 / 3), ([0, 1, 2], 4 / 3), ([5], 0)],
)
def test_distance(bundle: Bundle, items: list[int], distance: float) -> None:
    assert ListDiversity.of(ranked(items), bundle).distance == pytest.approx(distance, abs=1e-6)
    assert ListDiversity.of(ranked([*items, -1]), bundle).distance == pytest.approx(
        distance, abs=1e-6
    )


def test_distinct_names_and_means_over_lists(bundle: Bundle) -> None:
    # Even items are in the bakery, odd ones in the garden; eight in a row share a shelf.
    found = ListDiversity.of(ranked([1, 3, 9], [2, 3, 4]), bundle)
    assert (found.categories, found.subcategories) == (1.5, 1.5)


def test_against_all_pairs(bundle: Bundle) -> None:
    lists = np.random.default_rng(0).permuted(np.tile(np.arange(N_ITEMS), (3, 1)), axis=1)[:, :7]
    vectors = bundle.item_vectors[:, :-1].astype(float)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    pairs = [
        1 - unit[i] @ unit[j]
        for items in lists
        for place, i in enumerate(items)
        for j in items[:place]
    ]
    found = ListDiversity.of(lists.astype(np.int32), bundle)
    assert found.distance == pytest.approx(np.mean(pairs), abs=1e-5)
