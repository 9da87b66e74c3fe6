"""The columns of a basket's items, computed again the plain way."""

import numpy as np
import pytest

from service.basket_evidence import COLUMNS, BasketEvidence
from service.bundle import Bundle, preview_bundle
from service.profiles import Profiles
from tests.data.scored_shop import AISLE, unscored

BASKET = np.array([2, 11, 17, 40], np.int32)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return preview_bundle(unscored()[0])


def column(columns: np.ndarray[tuple[int, int], np.dtype[np.float32]], name: str) -> list[float]:
    values: list[float] = columns[:, COLUMNS.index(name)].tolist()
    return values


def test_an_item_is_seen_beside_the_others_and_not_beside_itself(bundle: Bundle) -> None:
    found = BasketEvidence(bundle).columns(None, BASKET)
    d = bundle.dimension
    p, q = bundle.item_vectors[:, :d], bundle.item_vectors[:, d : 2 * d]
    for place, item in enumerate(BASKET):
        cohesion = [q[i] @ p[item] + p[i] @ q[item] for i in BASKET if i != item]
        assert found[place, COLUMNS.index("cohesion_basket")] == pytest.approx(
            np.mean(cohesion), abs=1e-4
        )


def test_alone_in_the_basket_there_is_nothing_beside(bundle: Bundle) -> None:
    found = BasketEvidence(bundle).columns(None, BASKET[:1])
    assert found.shape == (1, len(COLUMNS))
    assert np.isfinite(found).all()
    for name in ("cohesion_basket", "neighbour_sum"):
        assert column(found, name) == [0]


def test_shelves_are_shares_of_what_was_bought(bundle: Bundle) -> None:
    profile = Profiles(bundle).get("user-03")
    assert profile is not None
    found = BasketEvidence(bundle).columns(profile, BASKET)
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
    found = BasketEvidence(bundle).columns(None, BASKET)
    for name in ("purchases", "user_baskets", "cohesion_user", "category_share_bought"):
        assert not any(column(found, name))
    assert column(found, "category_lift") == pytest.approx([np.log(0.1)] * len(BASKET))


def test_how_large_the_basket_is_is_not_told(bundle: Bundle) -> None:
    assert "basket_size" not in COLUMNS
    assert len(set(COLUMNS)) == len(COLUMNS)
    everything = BasketEvidence(bundle).columns(None, np.arange(6 * AISLE, dtype=np.int32))
    assert np.isfinite(everything).all()
