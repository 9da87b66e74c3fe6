"""The summary of a user's profile."""

import numpy as np

from service.bundle.bundle import preview_bundle
from service.profiles.bundle_profiles import BundleProfiles
from service.profiles.profile import Profile
from service.profiles.summary import summarise
from tests.data.scored_shop import scored_bundle
from tests.data.tiny_bundle import NOON, tiny_contents


def test_purchases_are_counted_by_category_most_first() -> None:
    # User 4 of the tiny bundle bought items 1, 3, … 11 of the garden in 1, 2, … 6 baskets.
    contents = tiny_contents()
    categories = ["bakery" if item < 6 else "garden" for item in range(40)]
    catalogue = contents.catalogue
    bundle = preview_bundle(contents)
    profile = BundleProfiles(bundle).get("user-4")
    assert profile is not None
    assert summarise(profile, catalogue).categories == {"garden": 21}
    other = type(catalogue)(
        catalogue.item_ids, catalogue.names, catalogue.departments, categories,
        catalogue.subcategories,
    )  # fmt: skip
    found = summarise(profile, other)
    assert list(found.categories.items()) == [("garden", 15), ("bakery", 6)]
    assert found.last_purchase == NOON - 86_400
    assert (found.baskets, found.first_purchase) == (None, None)


def test_baskets_and_first_purchase_come_from_the_past() -> None:
    bundle = scored_bundle()
    profile = BundleProfiles(bundle).get("user-05")
    assert profile is not None
    found = summarise(profile, bundle.catalogue)
    assert bundle.past_indptr is not None
    assert bundle.past_begun is not None
    assert bundle.past_item_indptr is not None
    start, stop = bundle.past_indptr[5:7]
    assert found.baskets == stop - start
    assert found.first_purchase == bundle.past_begun[start]
    assert found.last_purchase == bundle.past_begun[start:stop].max()
    assert found.categories == {"aisle 5": np.diff(bundle.past_item_indptr)[start:stop].sum()}
    assert found.begun == bundle.past_begun[start:stop].tolist()


def test_items_bought_last_come_first() -> None:
    # User 4 bought item 1 a day before noon, in one basket, and so on: item 11 in six.
    contents = tiny_contents()
    profile = BundleProfiles(preview_bundle(contents)).get("user-4")
    assert profile is not None
    found = summarise(profile, contents.catalogue).last_items
    items = (1, 3, 5, 7, 9, 11)
    assert found == [(item, n, NOON - 86_400 * n) for n, item in enumerate(items, 1)]
    shown = np.ones(40, np.bool_)
    shown[3] = False
    found = summarise(profile, contents.catalogue, shown).last_items
    assert [each.item_index for each in found] == [1, 5, 7, 9, 11]


def test_of_one_basket_the_most_bought_item_comes_first_and_24_are_shown() -> None:
    items = np.arange(40, dtype=np.int32)
    user_h = np.zeros(4, np.float32)
    bought = Profile(user_h, items, items + 1, items.astype(np.float32), np.full(40, NOON))
    found = summarise(bought, tiny_contents().catalogue).last_items
    assert [each.times for each in found] == list(range(40, 16, -1))
