"""The taxonomy filter: what does not go with the basket comes last, or not at all."""

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.bundle.bundle import preview_bundle
from service.bundle.errors import BundleError
from service.recommending.postprocess.taxonomy_filter import TaxonomyFilter
from service.recommending.recommender import Recommender
from service.settings import RecommendOptions
from tests.data.requests import a_request
from tests.data.ruled_shop import ruled_contents
from tests.data.tiny_bundle import N_ITEMS, tiny_contents

BREAD, BUTTER, HOSE, RARE = range(4)
# Bread and butter go together, a hose goes with neither, of what is rare nothing can be told.
LIFT = np.array([[-1, 2, 0.5, -1], [2, -1, 0.5, -1], [0.5, 0.5, -1, -1], [-1] * 4], np.float32)
# Item 4 has no category, items 5 and 0 share one.
CODES = np.array([BREAD, BUTTER, HOSE, RARE, -1, BREAD], np.int32)
ALL = np.arange(6, dtype=np.int32)


def doubted(*basket: int, min_lift: float = 1.0) -> list[int]:
    marks = TaxonomyFilter(CODES, LIFT, min_lift, drop=True).doubted(
        np.array(basket, np.int32), ALL
    )
    return np.flatnonzero(marks).tolist()


@pytest.mark.parametrize(
    ("basket", "expected"),
    [
        ([], []),
        ([0], [2]),
        ([2], [0, 1, 5]),
        ([0, 2], []),  # butter goes with bread, the hose is in the basket already
        ([3], []),
        ([4], []),
        ([4, 0], [2]),
    ],
)
def test_by_hand(basket: list[int], expected: list[int]) -> None:
    assert doubted(*basket) == expected


def test_the_threshold() -> None:
    assert doubted(0, min_lift=0.5) == []
    assert doubted(0, min_lift=2.0) == [2]
    assert doubted(0, min_lift=2.1) == [1, 2]


@pytest.mark.parametrize(("drop", "expected"), [(True, [5, 4, 0, 3, 2]), (False, [5, 4, 2, 0, 3])])
def test_a_doubted_candidate_goes_behind_all_others_or_to_the_end_of_the_list_of_three(
    drop: bool, expected: list[int]
) -> None:
    items = np.array([2, 5, 4, 0, 3], np.int32)
    ranked = np.array([1, 0, 2, 3, 4])  # the hose comes second
    butter = np.array([1], np.int32)
    moved = TaxonomyFilter(CODES, LIFT, 1, drop).apply(butter, items, ranked, 3)
    assert items[moved].tolist() == expected


def recommended(
    mode: Literal["off", "demote", "drop"], basket: list[int], k: int, min_lift: float = 1.0
) -> list[int]:
    recommender = Recommender(
        preview_bundle(ruled_contents()),
        RecommendOptions(taxonomy_filter=mode, taxonomy_min_lift=min_lift),
    )
    answer = recommender.recommend(a_request("user-0", [f"item-{item}" for item in basket], k))
    return [each.item_index for each in answer.items]


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.integers(0, N_ITEMS - 1), max_size=4, unique=True),
    st.integers(1, N_ITEMS),
    st.sampled_from([0.5, 1.5]),
)
def test_no_list_gets_shorter_and_demotion_changes_none_of_its_items(
    basket: list[int], k: int, min_lift: float
) -> None:
    plain = recommended("off", basket, k)
    demoted = recommended("demote", basket, k, min_lift)
    dropped = recommended("drop", basket, k, min_lift)
    assert len(plain) == len(dropped) == min(k, N_ITEMS - len(basket))
    assert sorted(demoted) == sorted(plain)
    assert len(set(dropped)) == len(dropped)
    assert not set(dropped) & set(basket)


def test_two_aisles_that_seldom_meet_are_kept_apart() -> None:
    """A shopper of the bakery holds 11, from the garden; the two aisles meet once in 20 baskets."""
    plain = recommended("off", [11], 10)
    dropped = recommended("drop", [11], 10)
    demoted = recommended("demote", [11], 10)
    assert {item % 2 for item in plain} == {0, 1}
    assert {item % 2 for item in dropped} == {1}
    assert dropped[: len(plain)] != plain
    aisles = [item % 2 for item in demoted]
    assert aisles == sorted(aisles, reverse=True)


def test_a_bundle_without_lifts_or_with_others_is_refused() -> None:
    asked = RecommendOptions(taxonomy_filter="drop")
    for contents, found in (
        (tiny_contents(), "none"),
        (replace(ruled_contents(), category_lift=np.ones((3, 3), np.float32)), "shape"),
    ):
        with pytest.raises(BundleError, match=f"category_lift.*found {found}"):
            Recommender(preview_bundle(contents), asked)
        Recommender(preview_bundle(contents))
