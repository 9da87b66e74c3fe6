"""The features of the ranker, in a world where each can be worked out by hand."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from math import log, sqrt
from typing import Any

import numpy as np
import pytest

from service.bundle.bundle import Bundle, preview_bundle
from service.profiles.bundle_profiles import BundleProfiles
from service.recommending.aggregate import Candidates
from service.recommending.ranking.feature_table import FeatureTable
from service.recommending.ranking.features import FEATURES
from service.support.arrays.array_types import Float32
from tests.data.tiny_bundle import N_ITEMS, N_USERS, tiny_contents

AS_OF = 1_512_086_400  # 2017-12-01
DAY = 86_400

# user-0: {0, 1} 60 days ago, {0, 2, 3} 14 days ago; user-1: {4} yesterday.
PASTS: dict[str, Any] = {
    "past_indptr": np.array([0, 2, *[3] * (N_USERS - 1)], np.int64),
    "past_begun": np.array([AS_OF - 60 * DAY, AS_OF - 14 * DAY, AS_OF - DAY], np.int64),
    "past_item_indptr": np.array([0, 2, 5, 6], np.int64),
    "past_item": np.array([0, 1, 0, 2, 3, 4], np.int32),
}
# Items 0, 1 and 2 are in 80, 79 and 78 baskets.
# Item 0 with 1 (30 baskets) and 2 (20); item 1 with 0 (30).
NEIGHBOURS: dict[str, Any] = {
    "neighbour_indptr": np.array([0, 2, *[3] * (N_ITEMS - 1)], np.int64),
    "neighbour_item": np.array([1, 2, 0], np.int32),
    "neighbour_count": np.array([30, 20, 30], np.int32),
    "neighbour_weight": np.array([0.5, 0.25, -0.125], np.float32),
}


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    base = tiny_contents()
    subcategories = [f"shelf {item // 3}" for item in range(N_ITEMS)]  # items 0, 1 and 2 share one
    catalogue = replace(base.catalogue, subcategories=subcategories)
    trend = np.full((N_ITEMS, 4), -log(N_ITEMS), np.float32)
    rhythm = np.tile(np.array([3, 1.5, 28, 0.25], np.float32), (N_ITEMS, 1))
    return preview_bundle(
        tiny_contents(
            catalogue=catalogue, item_trend=trend, item_rhythm=rhythm, **PASTS, **NEIGHBOURS
        )
    )


def candidates(*items: int) -> Candidates:
    zeros = np.zeros(len(items), np.float32)
    return Candidates(
        items=np.array(items, np.int32),
        basket=zeros + 1,
        user=zeros + 2,
        popularity=zeros + 3,
        history=zeros,
    )


def features(
    bundle: Bundle, table: FeatureTable, user: str | None, basket: list[int], *items: int
) -> dict[str, Float32]:
    profile = BundleProfiles(bundle).get(user) if user else None
    matrix = table.features(profile, np.array(basket, np.int32), candidates(*items))
    assert matrix.shape == (len(items), len(FEATURES))
    assert np.isfinite(matrix).all()
    return dict(zip(FEATURES, matrix.T, strict=True))


def near(found: Float32, *expected: float) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_features_from_neighbours(bundle: Bundle) -> None:
    found = features(bundle, FeatureTable(bundle), None, [0, 1], 0, 1, 2, 9)
    pair = 30 / (sqrt(80 * 79) + 5)
    other = 20 / (sqrt(80 * 78) + 5)
    near(found["neighbour_sum"], pair, pair, other, 0)
    near(found["neighbour_max"], pair, pair, other, 0)
    near(found["neighbour_sum_relative"], 1, 1, other / pair, 0)
    near(found["confidence_mean"], 30 / 79 / 2, 30 / 80 / 2, 20 / 80 / 2, 0)
    near(found["basket_size"], 2, 2, 2, 2)
    near(found["same_subcategory"], 2, 2, 2, 0)
    near(found["same_category"], 1, 1, 1, 1)  # even and odd
    near(found["same_department_share"], 1, 1, 1, 1)
    near(found["neighbour_weight_sum"], -0.125, 0.5, 0.25, 0)
    near(found["cohesion_basket"], 1, 1, 1, 1)
    near(found["cohesion_user"], 2, 2, 2, 2)
    near(found["cohesion"], 3, 3, 3, 3)
    near(found["log_popularity"], 3, 3, 3, 3)


def test_neighbours_without_weights_add_nothing(bundle: Bundle) -> None:
    older = replace(bundle, neighbour_weight=None)
    found = features(older, FeatureTable(older), None, [0, 1], 0, 1, 2)
    near(found["neighbour_weight_sum"], 0, 0, 0)


def test_features_from_past_baskets(bundle: Bundle) -> None:
    found = features(bundle, FeatureTable(bundle), "user-0", [2], 0, 1, 3, 9)
    near(found["purchases"], 2, 1, 1, 0)
    near(found["purchases_per_basket"], 1, 0.5, 0.5, 0)
    old, new = 0.5 ** (60 / 14), 0.5
    near(found["recency_14d"], 1, old / (old + new), new / (old + new), 0)
    old, new = 0.5, 0.5 ** (14 / 60)
    near(found["recency_60d"], 1, old / (old + new), new / (old + new), 0)
    near(found["recency_60d_relative"], 1, old / (old + new), new / (old + new), 0)
    near(found["days_since_last"], 14, 60, 14, 9999)
    near(found["mean_gap_days"], 46, 9999, 9999, 9999)
    near(found["days_since_last_per_gap"], 14 / 46, 60 / 9999, 14 / 9999, 1)
    near(found["days_since_last_per_typical_gap"], 14 / 28, 60 / 28, 14 / 28, 9999 / 28)
    near(found["days_since_last_basket"], 14, 14, 14, 14)
    # Only the later basket holds item 2, as one of three.
    cosine = 1 / sqrt(3)
    near(found["like_basket_vote"], cosine, 0, cosine, 0)
    near(found["like_basket_vote_relative"], 1, 0, 1, 0)
    near(found["share_vote"], 0.5 ** (14 / 180) / 3, 0, 0.5 ** (14 / 180) / 3, 0)
    near(found["user_baskets"], 2, 2, 2, 2)
    near(found["user_mean_basket_size"], 2.5, 2.5, 2.5, 2.5)
    # Items 0, 1 and 2 share a subcategory: 4 of 5 lines.
    near(found["subcategory_share"], 0.8, 0.8, 0.2, 0)
    near(found["share_in_subcategory"], 0.5, 0.25, 1, 0)
    near(found["subcategory_days_since_last"], 14, 14, 14, 9999)
    near(found["log_share_of_subcategory"], *[log(1 / 3)] * 4)


def test_features_from_the_rhythm_of_an_item(bundle: Bundle) -> None:
    found = features(bundle, FeatureTable(bundle), "user-0", [2], 0, 9)
    near(found["log_buyers"], 3, 3)
    near(found["purchases_per_buyer"], 1.5, 1.5)
    near(found["typical_gap_days"], 28, 28)
    near(found["new_buyer_share"], 0.25, 0.25)


def test_a_stranger_has_no_past(bundle: Bundle) -> None:
    found = features(bundle, FeatureTable(bundle), None, [2], 0, 5)
    for name in ("purchases", "recency_14d", "like_basket_vote", "share_vote", "user_baskets"):
        near(found[name], 0, 0)
    near(found["days_since_last"], 9999, 9999)
    near(found["days_since_last_basket"], 9999, 9999)


def test_a_request_does_not_change_the_next(bundle: Bundle) -> None:
    asked = [("user-0", [0, 1]), (None, [1]), ("user-1", [0]), ("user-0", [2]), (None, [0, 5])]
    shared = FeatureTable(bundle)
    everything = range(N_ITEMS)
    for user, basket in [*asked, *reversed(asked)]:
        own = features(bundle, FeatureTable(bundle), user, basket, *everything)
        again = features(bundle, shared, user, basket, *everything)
        np.testing.assert_array_equal(np.stack([*own.values()]), np.stack([*again.values()]))


def test_threads_do_not_mix(bundle: Bundle) -> None:
    shared = FeatureTable(bundle)
    asked = [("user-0", [0, 1]), (None, [1]), ("user-1", [0])] * 40

    def ask(request: tuple[str | None, list[int]]) -> bytes:
        return np.stack([*features(bundle, shared, *request, *range(9)).values()]).tobytes()

    alone = [ask(each) for each in asked]
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(ask, asked)) == alone
