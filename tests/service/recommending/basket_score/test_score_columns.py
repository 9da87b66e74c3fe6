"""The columns of a basket's items, computed again the plain way."""

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


def test_the_evidence_does_not_depend_on_the_vectors(bundle: Bundle) -> None:
    rows = bundle.item_vectors.copy()
    rows[:, :-1] *= 3
    longer = replace(bundle, item_vectors=rows, user_h=3 * bundle.user_h)
    profile = BundleProfiles(bundle).get("user-03")
    found = ScoreColumns(bundle).of(profile, BASKET)
    np.testing.assert_array_equal(ScoreColumns(longer).of(profile, BASKET), found)
    assert column(found, "log_popularity") == bundle.item_vectors[BASKET, -1].tolist()


def test_alone_in_the_basket_there_is_nothing_beside(bundle: Bundle) -> None:
    found = ScoreColumns(bundle).of(None, BASKET[:1])
    assert found.shape == (1, len(COLUMNS))
    assert np.isfinite(found).all()
    assert column(found, "neighbour_sum") == [0]


def test_shelves_are_shares_of_what_was_bought(bundle: Bundle) -> None:
    profile = BundleProfiles(bundle).get("user-03")
    assert profile is not None
    found = ScoreColumns(bundle).of(profile, BASKET)
    # All that this shopper buys stands in aisle 3; every aisle has about a sixth of the sales.
    shelves = [bundle.catalogue.categories[item] for item in BASKET]
    expected = [float(shelf == "aisle 3") for shelf in shelves]
    assert column(found, "category_share_bought") == expected
    assert column(found, "department_share_bought") == [1] * len(BASKET)
    of_aisle = [
        bundle.item_count[np.array(bundle.catalogue.categories) == s].sum() for s in shelves
    ]
    shop = np.array(of_aisle) / bundle.item_count.sum()
    lift = np.log((np.array(expected) + 0.1 * shop) / shop)
    assert column(found, "category_lift") == pytest.approx(lift.tolist(), rel=1e-5)


def test_a_stranger_bought_nothing(bundle: Bundle) -> None:
    found = ScoreColumns(bundle).of(None, BASKET)
    for name in ("purchases", "user_baskets", "category_share_bought"):
        assert not any(column(found, name))
    assert column(found, "category_lift") == pytest.approx([np.log(0.1)] * len(BASKET))


def test_how_large_the_basket_is_is_not_told(bundle: Bundle) -> None:
    assert "basket_size" not in COLUMNS
    assert len(set(COLUMNS)) == len(COLUMNS)
    everything = ScoreColumns(bundle).of(None, np.arange(6 * AISLE, dtype=np.int32))
    assert np.isfinite(everything).all()
