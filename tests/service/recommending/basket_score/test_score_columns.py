"""The columns of the basket score, computed again in a simple way."""

from dataclasses import replace

import numpy as np
import pytest

from service.bundle.bundle import Bundle, preview_bundle
from service.profiles.bundle_profiles import BundleProfiles
from service.recommending.basket_score.score_columns import COLUMNS, ScoreColumns
from tests.data.scored_shop import AISLE, unscored

BASKET = np.array([2, 11, 17, 40], np.int32)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return preview_bundle(unscored()[0])


def column(columns: np.ndarray[tuple[int, int], np.dtype[np.float32]], name: str) -> list[float]:
    values: list[float] = columns[:, COLUMNS.index(name)].tolist()
    return values


def test_the_columns_do_not_depend_on_the_vectors(bundle: Bundle) -> None:
    rows = bundle.item_vectors.copy()
    rows[:, :-1] *= 3
    longer = replace(bundle, item_vectors=rows, user_h=3 * bundle.user_h)
    profile = BundleProfiles(bundle).get("user-03")
    found = ScoreColumns(bundle).of(profile, BASKET)
    np.testing.assert_array_equal(ScoreColumns(longer).of(profile, BASKET), found)
    assert column(found, "log_popularity") == bundle.item_vectors[BASKET, -1].tolist()


def test_a_single_item_has_no_neighbours_in_the_basket(bundle: Bundle) -> None:
    found = ScoreColumns(bundle).of(None, BASKET[:1])
    assert found.shape == (1, len(COLUMNS))
    assert np.isfinite(found).all()
    assert column(found, "neighbour_sum") == [0]


def test_groups_are_shares_of_the_purchases(bundle: Bundle) -> None:
    profile = BundleProfiles(bundle).get("user-03")
    assert profile is not None
    found = ScoreColumns(bundle).of(profile, BASKET)
    # This user buys from aisle 3 only; every aisle has about a sixth of the sales.
    aisles = [bundle.catalogue.categories[item] for item in BASKET]
    expected = [float(aisle == "aisle 3") for aisle in aisles]
    assert column(found, "category_share_bought") == expected
    assert column(found, "department_share_bought") == [1] * len(BASKET)
    categories = np.array(bundle.catalogue.categories)
    of_aisle = [bundle.item_count[categories == aisle].sum() for aisle in aisles]
    shop = np.array(of_aisle) / bundle.item_count.sum()
    lift = np.log((np.array(expected) + 0.1 * shop) / shop)
    assert column(found, "category_lift") == pytest.approx(lift.tolist(), rel=1e-5)


def test_a_stranger_bought_nothing(bundle: Bundle) -> None:
    found = ScoreColumns(bundle).of(None, BASKET)
    for name in ("purchases", "user_baskets", "category_share_bought"):
        assert not any(column(found, name))
    assert column(found, "category_lift") == pytest.approx([np.log(0.1)] * len(BASKET))


def test_the_size_of_the_basket_is_no_column(bundle: Bundle) -> None:
    assert "basket_size" not in COLUMNS
    assert len(set(COLUMNS)) == len(COLUMNS)
    everything = ScoreColumns(bundle).of(None, np.arange(6 * AISLE, dtype=np.int32))
    assert np.isfinite(everything).all()
