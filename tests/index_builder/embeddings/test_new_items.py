"""Vectors of new items: means over those that are most like them."""

import numpy as np
import polars as pl

from index_builder.embeddings.embeddings import Embeddings
from index_builder.embeddings.new_items import with_new_vectors

ITEMS = pl.DataFrame(
    [
        # Known, with the vectors (1, 0), (3, 0), (0, 8), (0, 4).
        ("milk", "food", "dairy", "milk", "Own"),
        ("oat milk", "food", "dairy", "milk", "Oaty"),
        ("rose", "garden", "plants", "", ""),
        ("soil", "garden", "", "", ""),
        # New, and what they are most like.
        ("own milk", "food", "dairy", "milk", "Own"),
        ("new milk", "food", "dairy", "milk", "Other"),
        ("cheese", "food", "dairy", "cheese", "Own"),
        ("tulip", "garden", "plants", "bulbs", "Own"),
        ("rake", "garden", "tools", "", ""),
        ("gift", "", "", "", ""),
    ],
    schema=["name", "department", "category", "subcategory", "brand"],
    orient="row",
)
KNOWN = np.array([[1, 0], [3, 0], [0, 8], [0, 4]], np.float32)
EXPECTED = [[1, 0], [2, 0], [2, 0], [0, 8], [0, 6], [1, 3]]


def test_a_new_item_is_the_mean_of_those_that_are_most_like_it() -> None:
    found = with_new_vectors(Embeddings(KNOWN, -KNOWN, KNOWN[:1]), ITEMS)
    assert found.item_p.dtype == np.float32
    assert found.item_p.tolist() == [*KNOWN.tolist(), *EXPECTED]
    assert found.item_q.tolist() == (-found.item_p).tolist()
    assert found.user_h.tolist() == KNOWN[:1].tolist()


def test_brands_are_not_needed() -> None:
    found = with_new_vectors(Embeddings(KNOWN, KNOWN, KNOWN[:1]), ITEMS.drop("brand"))
    assert found.item_p[4:].tolist() == [[2, 0], *EXPECTED[1:]]


def test_without_new_items_nothing_changes() -> None:
    found = with_new_vectors(Embeddings(KNOWN, KNOWN, KNOWN[:1]), ITEMS.head(4))
    assert found.item_p.tolist() == KNOWN.tolist()
