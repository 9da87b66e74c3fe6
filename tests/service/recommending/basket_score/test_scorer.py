"""The basket score: the sum of its contributions, and how items move it."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.bundle.bundle import preview_bundle
from service.bundle.errors import BundleError
from service.recommending.basket_score.scorer import BasketScore, BasketScorer, has_score
from tests.data.scored_shop import (
    AISLE,
    N_AISLES,
    N_USERS,
    aisle_items,
    scored_bundle,
    scored_contents,
    unscored,
)

ALL = [f"item-{i:02}" for i in range(N_AISLES * AISLE)]
USERS = st.sampled_from([f"user-{u:02}" for u in range(N_USERS)])


@cache
def scorer() -> BasketScorer:
    return BasketScorer(scored_bundle())


def likely(answer: BasketScore) -> float:
    assert answer.score is not None
    return answer.score


def log_odds(chance: float) -> float:
    return float(np.log(chance / (1 - chance)))


@given(user=USERS, data=st.data())
def test_familiar_items_raise_the_score_and_foreign_ones_lower_it(
    user: str, data: st.DataObject
) -> None:
    own = aisle_items(user)
    *basket, one_more = data.draw(st.permutations(own).map(lambda items: items[:6]))
    basket = basket[: data.draw(st.integers(1, len(basket)))]
    far_off = data.draw(st.sampled_from([item for item in ALL if item not in own]))
    before = likely(scorer().score(user, basket))
    assert likely(scorer().score(user, [*basket, one_more])) > before
    assert likely(scorer().score(user, [*basket, far_off])) < before


@given(user=USERS | st.none(), basket=st.lists(st.sampled_from(ALL), min_size=1, max_size=30))
def test_the_contributions_add_up_to_the_score(user: str | None, basket: list[str]) -> None:
    answer = scorer().score(user, basket)
    chance = answer.population_score if user is None else answer.score
    curve = scorer().population if user is None else scorer().personal
    assert chance is not None
    total = curve.intercept + sum(item.contribution for item in answer.items)
    assert log_odds(chance) == pytest.approx(total, abs=1e-3)
    assert [item.item_id for item in answer.items] == list(dict.fromkeys(basket))


@given(user=USERS, basket=st.permutations(ALL[:12]))
def test_the_order_of_the_basket_makes_no_difference(user: str, basket: list[str]) -> None:
    first, second = scorer().score(user, ALL[:12]), scorer().score(user, basket)
    assert (first.score, first.population_score) == (second.score, second.population_score)
    assert {*first.items} == {*second.items}


def test_the_users_purchases_of_an_item_are_told() -> None:
    bundle = scored_bundle()
    stranger_item = next(item for item in ALL if item not in aisle_items("user-02"))
    known, unknown = scorer().score("user-02", [aisle_items("user-02")[3], stranger_item]).items
    row = bundle.catalogue.index[known.item_id]
    start, stop = bundle.history_indptr[2:4]
    place = start + np.flatnonzero(bundle.history_item[start:stop] == row)[0]
    assert known.times_bought == bundle.history_count[place]
    assert known.last_bought == bundle.history_last[place]
    assert (unknown.times_bought, unknown.last_bought) == (0, None)
    assert known.category == "aisle 2"
    assert known.contribution > 0 > unknown.contribution


def test_a_stranger_has_a_population_score_only() -> None:
    one_aisle, all_aisles = aisle_items("user-01")[:6], ALL[::10]
    for user, degraded in (("nobody", True), (None, False)):
        fine, odd = scorer().score(user, one_aisle), scorer().score(user, all_aisles)
        assert fine.score is odd.score is None
        assert fine.degraded is odd.degraded is degraded
        assert fine.population_score is not None
        assert odd.population_score is not None
        assert fine.population_score > 0.9 > 0.1 > odd.population_score
        assert all(item.times_bought == 0 for item in fine.items)


def test_the_population_score_does_not_depend_on_the_user() -> None:
    basket = aisle_items("user-01")[:6]
    asked = {scorer().score(user, basket).population_score for user in ("user-01", "user-02", None)}
    assert len(asked) == 1


def test_unknown_items_are_named_and_do_not_count() -> None:
    basket = aisle_items("user-01")[:4]
    answer = scorer().score("user-01", ["ghost", *basket, "spirit", "ghost"])
    assert answer.unknown_items == ["ghost", "spirit"]
    assert not answer.degraded
    assert answer.score == scorer().score("user-01", basket).score


def test_a_basket_of_unknown_items_has_no_score() -> None:
    assert scorer().score("user-01", ["ghost"]) == BasketScore(None, None, True, ["ghost"], [])


def test_a_bundle_may_lack_the_score() -> None:
    assert has_score(scored_bundle())
    assert not has_score(preview_bundle(unscored()[0]))


@pytest.mark.parametrize(
    ("serving", "match"),
    [
        ({"score_columns": "colour " * 1000}, "score_columns: expected .*, found colour"),
        ({"score_intercept": "much"}, "much"),
        ({"population_intercept": "1"}, "population_intercept"),
    ],
)
def test_a_score_that_cannot_be_used_is_refused(serving: dict[str, str], match: str) -> None:
    contents = scored_contents()
    spoilt = preview_bundle(replace(contents, serving={**contents.serving, **serving}))
    with pytest.raises(BundleError, match=match):
        BasketScorer(spoilt)


def test_trees_with_a_column_without_a_name_are_refused() -> None:
    contents = scored_contents()
    assert contents.score_feature is not None
    feature = np.where(contents.score_feature < 0, -1, 1000).astype(np.int32)
    with pytest.raises(BundleError, match="score_feature"):
        BasketScorer(preview_bundle(replace(contents, score_feature=feature)))


@pytest.mark.parametrize("name", ["score_intercept", "population_intercept", "score_columns"])
def test_a_missing_fact_is_refused(name: str) -> None:
    contents = scored_contents()
    serving = {key: value for key, value in contents.serving.items() if key != name}
    with pytest.raises(BundleError, match=name if "intercept" in name else "columns"):
        BasketScorer(preview_bundle(replace(contents, serving=serving)))
