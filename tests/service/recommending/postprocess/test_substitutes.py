"""Substitutes as a bundle holds them: lookups, and what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.bundle.bundle import Bundle, load_bundle, preview_bundle, write_bundle
from service.bundle.errors import BundleError, BundleInvalidError
from service.recommending.answer import Recommendation
from service.recommending.postprocess.substitutes import Substitutes
from service.recommending.recommender import Recommender
from tests.data.by_score import by_score
from tests.data.requests import a_request
from tests.data.tiny_bundle import N_ITEMS, SUBSTITUTES, tiny_contents

BUNDLE = preview_bundle(tiny_contents(**SUBSTITUTES))
ALL = np.ones(N_ITEMS, np.bool_)


def test_the_best_come_first_and_no_more_than_there_are() -> None:
    found = Substitutes(BUNDLE)
    assert found.of(1, 5, ALL) == [(3, 0.75), (7, 0.5), (2, 0.25)]
    assert found.of(1, 2, ALL) == [(3, 0.75), (7, 0.5)]
    assert found.of(3, 5, ALL) == [(1, 0.5)]
    assert found.of(0, 5, ALL) == []
    assert found.of(N_ITEMS - 1, 5, ALL) == []


def test_what_is_not_eligible_leaves_its_place_to_the_next() -> None:
    eligible = ALL.copy()
    eligible[3] = False
    assert Substitutes(BUNDLE).of(1, 2, eligible) == [(7, 0.5), (2, 0.25)]
    assert Substitutes(BUNDLE).of(1, 2, ~ALL) == []


@pytest.mark.parametrize(
    ("basket", "marked"),
    [([0, 1, 3], [1, 2, 3, 7]), ([1], [2, 3, 7]), ([3], [1]), ([0], []), ([], [])],
)
def test_those_of_a_basket_are_demoted(basket: list[int], marked: list[int]) -> None:
    items = np.array([1, 2, 3, 5, 7, 20], np.int32)
    added = Substitutes(BUNDLE).demotions(items, np.array(basket, np.int32), -0.5)
    assert added.tolist() == [-0.5 if item in marked else 0 for item in items]
    few = Substitutes(BUNDLE).demotions(items[4:5], np.array([3], np.int32), -0.5)
    assert few.tolist() == [0]
    assert not len(Substitutes(BUNDLE).demotions(items[:0], np.array(basket, np.int32), -0.5))


def answers(bundle: Bundle, basket: list[str], **options: Any) -> dict[str, Recommendation]:
    asked = Recommender(bundle, by_score(**options))
    items = asked.recommend(a_request(None, basket, 39, explain=True)).items
    return {each.item_id: each for each in items}


def test_a_second_milk_is_demoted_and_its_reason_is_the_basket() -> None:
    before = answers(BUNDLE, ["item-1", "item-5"])
    for item, each in answers(BUNDLE, ["item-1", "item-5"], substitute_weight=0.25).items():
        expected = np.log(0.25) if item in ("item-2", "item-3", "item-7") else 0
        assert each.score - before[item].score == pytest.approx(expected, abs=1e-5)
        now, then = each.reasons, before[item].reasons
        assert now is not None
        assert then is not None
        assert now["basket"] - then["basket"] == pytest.approx(expected, abs=1e-5)


def test_a_bundle_without_substitutes_demotes_nothing() -> None:
    older = preview_bundle(tiny_contents())
    assert answers(older, ["item-1"], substitute_weight=0.25) == answers(older, ["item-1"])


def test_a_bundle_of_a_time_before_them() -> None:
    older = preview_bundle(tiny_contents())
    assert Substitutes.read(older) is None
    with pytest.raises(BundleInvalidError):
        Substitutes(older)


def test_they_survive_the_disk(tmp_path: Path) -> None:
    loaded = load_bundle(write_bundle(tmp_path, tiny_contents(**SUBSTITUTES)))
    read = Substitutes.read(loaded)
    assert read is not None
    assert [read.of(item, 9, ALL) for item in range(N_ITEMS)] == [
        Substitutes(BUNDLE).of(item, 9, ALL) for item in range(N_ITEMS)
    ]


def changed(name: str, change: Callable[[Any], Any]) -> dict[str, Any]:
    return {**SUBSTITUTES, name: change(SUBSTITUTES[name].copy())}


def spoilt(name: str, place: int, value: float) -> dict[str, Any]:
    def spoil(array: Any) -> Any:
        array[place] = value
        return array

    return changed(name, spoil)


@pytest.mark.parametrize(
    ("spoilt", "named"),
    [
        (spoilt("substitute_item", 0, N_ITEMS), "substitute_item"),
        (spoilt("substitute_item", 0, -1), "substitute_item"),
        (spoilt("substitute_indptr", 0, 1), "substitute_indptr"),
        (spoilt("substitute_indptr", 1, 4), "substitute_indptr"),
        (spoilt("substitute_indptr", -1, 9), "substitute_indptr"),
        (spoilt("substitute_score", 1, np.nan), "substitute_score"),
        (changed("substitute_indptr", lambda array: array[:-1]), "substitute_indptr"),
        (changed("substitute_score", lambda array: array[:-1]), "substitute_score"),
        (changed("substitute_item", lambda array: array.astype(np.int64)), "substitute_item"),
        (changed("substitute_score", lambda _: None), "no substitute_score"),
    ],
)
def test_nonsense_is_refused(spoilt: dict[str, Any], named: str, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=named):
        load_bundle(write_bundle(tmp_path, tiny_contents(**spoilt)))
