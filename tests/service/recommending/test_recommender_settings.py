"""What the settings make of an answer."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.business_rules.files import RuleFiles
from tests.data.asked_shop import BACKENDS, BUNDLES, CATALOGUE, ask, ids, recommender
from tests.data.requests import a_request


def test_more_search_candidates_than_items_is_no_reason_to_fail() -> None:
    for backend in BACKENDS:
        asked = recommender(backend, search_candidates=10**6)
        assert len(ask(asked, a_request("user-0", ["item-0"])).items) == 20


def test_a_history_outside_the_search_is_found_all_the_same() -> None:
    # One candidate of the index, and the six items that user-0 has bought.
    few: dict[str, Any] = {"search_candidates": 1, "history_candidates": 6}
    answer = ask(recommender(**few), a_request("user-0", [], 1))
    assert answer.candidates - answer.filled in (6, 7)
    nobody = ask(recommender(**few), a_request(None, ["item-1"], 1))
    assert nobody.candidates - nobody.filled <= 2  # the anchor may find itself besides


def test_a_sampled_basket_still_leaves_out_all_of_itself() -> None:
    asked = recommender(anchor_limit=2, anchor_fraction=0.1)
    basket = CATALOGUE.item_ids[::2]
    answer = ask(asked, a_request("user-0", basket, 20), explain=True)
    assert not set(ids(answer)) & set(basket)
    anchors = asked.anchors(np.array([CATALOGUE.index[i] for i in basket], np.int32), "user-0")
    assert len(anchors) == 2
    named = {each.reasons["anchor"] for each in answer.items if each.reasons is not None}
    assert named <= {CATALOGUE.item_ids[anchor] for anchor in anchors}


def test_a_boost_moves_a_whole_aisle(preferences: Path) -> None:
    request = a_request(None, ["item-0"], 39)
    asked, rulebook = recommender(), RuleFiles(CATALOGUE, preferences, None).rulebook
    before = {each.item_id: each for each in ask(asked, request).items}
    for each in ask(asked, request, explain=True, rulebook=rulebook).items:
        expected, rules = (np.log(2.5), ["garden"]) if each.category == "garden" else (0, [])
        if CATALOGUE.subcategories[each.item_index] == "shelf 0":
            expected, rules = expected + np.log(0.3), [*rules, "first shelf"]
        assert each.score - before[each.item_id].score == pytest.approx(expected, abs=1e-5)
        assert each.reasons is not None
        assert each.reasons["rules"] == rules
        prior = float(BUNDLES["exact"].item_vectors[each.item_index, -1])
        assert each.reasons["popularity"] == pytest.approx(prior + expected, abs=1e-5)


def test_diversity_mixes_the_aisles_without_touching_the_scores() -> None:
    request = a_request("user-0", ["item-0"], 10)
    plain = ask(recommender(), request)
    mixed = ask(recommender(mmr_lambda=0.1), request)
    assert {each.item_index % 2 for each in plain.items} == {0}
    assert {each.item_index % 2 for each in mixed.items} == {0, 1}
    assert mixed.items[0] == plain.items[0]
    everything = ask(recommender(), a_request("user-0", ["item-0"], 39))
    assert set(mixed.items) <= set(everything.items)


def test_diversity_reorders_the_pool_alone() -> None:
    request = a_request("user-0", ["item-0"], 10)
    pooled = ask(recommender(mmr_lambda=0, mmr_pool=12), request)
    best = ids(ask(recommender(), a_request("user-0", ["item-0"], 12)))
    assert set(ids(pooled)) <= set(best)
