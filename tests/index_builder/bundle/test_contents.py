"""What goes into a bundle, from the parts of a build."""

from dataclasses import replace
from datetime import datetime

import numpy as np
import polars as pl
import pytest

from index_builder.bundle.contents import assemble
from index_builder.embeddings.embeddings import Embeddings
from index_builder.index.tuning import BuiltIndex
from index_builder.statistics.histories import histories
from index_builder.transactions.encoded.encoding import EncodedTransactions, encode
from index_builder.transactions.transactions import Transactions
from service.bundle.bundle import BundleContents, preview_bundle
from service.recommending.searching.queries import build_queries
from service.recommending.weights import Weights
from service.retrieval.exact import Exact
from service.support.arrays.array_types import Float32
from tests.index_builder.conftest import QUICK

AS_OF = datetime.fromisoformat("2017-12-01")
WEIGHTS = Weights(user=0.25, popularity=2, history=4)
VECTORS_ALONE = Weights(user=0.5, popularity=1, history=0)


def exactly(rows: Float32, _: Float32) -> BuiltIndex:
    return BuiltIndex(Exact(rows), 1.0)


@pytest.fixture(scope="module")
def encoded(transactions: Transactions) -> EncodedTransactions:
    return encode(transactions, min_item_baskets=QUICK.min_item_baskets)


@pytest.fixture(scope="module")
def embeddings(encoded: EncodedTransactions) -> Embeddings:
    random = np.random.default_rng(0)
    p, q, h = (
        random.standard_normal((n, 3)).astype(np.float32)
        for n in (encoded.n_items, encoded.n_items, encoded.n_users)
    )
    return Embeddings(p, q, h)


@pytest.fixture(scope="module")
def contents(encoded: EncodedTransactions, embeddings: Embeddings) -> BundleContents:
    return assemble(
        encoded, embeddings, QUICK, AS_OF, exactly, WEIGHTS, VECTORS_ALONE, {"a": {"b": 0.5}}
    )


def test_rows_hold_p_then_q_then_the_log_of_the_items_share(
    contents: BundleContents, encoded: EncodedTransactions, embeddings: Embeddings
) -> None:
    rows = contents.item_vectors
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows[:, :3], embeddings.item_p)
    np.testing.assert_array_equal(rows[:, 3:6], embeddings.item_q)
    share = encoded.item_count / encoded.item_count.sum()
    np.testing.assert_allclose(rows[:, 6], np.log(share), rtol=1e-6)
    assert (np.diff(rows[:, 6]) <= 0).all()  # the most popular item first


def test_recall_is_measured_on_queries_of_late_baskets(
    encoded: EncodedTransactions, embeddings: Embeddings
) -> None:
    # User 0 leaves before the last 200 baskets, so that a query shows when its basket was.
    late = np.arange(encoded.n_baskets) >= encoded.n_baskets - 200
    users = np.where(late, np.maximum(encoded.basket_user, 1), 0).astype(np.int32)
    world = replace(encoded, basket_user=users)
    contents = assemble(world, embeddings, QUICK, AS_OF, exactly, WEIGHTS, VECTORS_ALONE)
    assert contents.recall_queries.shape == (200, 7)
    single: set[bytes] = set()
    whole: set[bytes] = set()
    for basket in np.flatnonzero(late):
        start, stop = world.basket_indptr[basket : basket + 2]
        anchors, user_h = world.basket_items[start:stop], embeddings.user_h[users[basket]]
        of_anchors = build_queries(contents.item_vectors, anchors, user_h, WEIGHTS)
        single.update(query.tobytes() for query in of_anchors)
        whole.add(of_anchors.mean(axis=0).tobytes())
    assert {query.tobytes() for query in contents.recall_queries[:100]} <= single
    assert {query.tobytes() for query in contents.recall_queries[100:]} <= whole


def test_histories_are_those_of_the_training_baskets(
    contents: BundleContents, encoded: EncodedTransactions
) -> None:
    expected = histories(encoded, encoded.n_users, encoded.n_items, QUICK.recency_half_life_days)
    for name, array in vars(expected).items():
        np.testing.assert_array_equal(getattr(contents, f"history_{name}"), array, strict=True)


def test_the_manifest_has_the_configuration(contents: BundleContents) -> None:
    manifest = preview_bundle(contents).manifest
    assert manifest.as_of == "2017-12-01T00:00:00"
    assert manifest.build == QUICK.model_dump(mode="json")
    assert Weights.read(manifest.serving) == WEIGHTS
    assert Weights.read(manifest.serving, "vectors_") == VECTORS_ALONE
    assert manifest.metrics == {"a": {"b": 0.5}}
    assert (manifest.retrieval.k, manifest.retrieval.target) == (100, 0.98)
    assert manifest.retrieval.ann_recall_at_k == 1


def test_brands_and_prices_follow_their_items(
    transactions: Transactions, embeddings: Embeddings, encoded: EncodedTransactions
) -> None:
    item_ids = encoded.items["item_id"].to_list()
    blank = dict.fromkeys(("name", "department", "category", "subcategory"), "")
    products = pl.DataFrame(
        [
            {
                "item_id": each,
                **blank,
                "brand": f"of {each}",
                "price": float(place),
                "group_id": str(place // 2),
            }
            for place, each in enumerate(item_ids[1:])
        ]
    )
    described = encode(transactions, products, min_item_baskets=QUICK.min_item_baskets)
    contents = assemble(described, embeddings, QUICK, AS_OF, exactly, WEIGHTS, VECTORS_ALONE)
    assert contents.catalogue.brands == ["", *(f"of {each}" for each in item_ids[1:])]
    assert contents.catalogue.prices == [None, *map(float, range(len(item_ids) - 1))]
    assert contents.catalogue.groups == ["", *(str(n // 2) for n in range(len(item_ids) - 1))]


def test_without_brands_and_prices_there_are_no_such_columns(contents: BundleContents) -> None:
    assert (contents.catalogue.brands, contents.catalogue.prices) == (None, None)
