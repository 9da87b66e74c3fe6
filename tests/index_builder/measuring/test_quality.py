"""Recall and NDCG at 20, by hand."""

from math import isnan, log2

import numpy as np
import pytest
from rich.console import Console

from index_builder.measuring.quality import K, Quality, measure, quality_table, ranking_function
from index_builder.transactions.encoded.held_out import HeldOut
from service.bundle.bundle import preview_bundle
from service.recommending.recommender import Recommender
from service.recommending.weights import Weights
from tests.data.requests import a_request
from tests.data.tiny_bundle import tiny_contents

# User 0 of the tiny bundle has bought items 0, 2, 4, 6, 8, 10 before.
WEIGHTS = Weights(user=1, popularity=1, history=1)
BUNDLE = preview_bundle(tiny_contents(serving=WEIGHTS.write()))


def basket(targets: list[int], given: list[int] | None = None, user: int = 0) -> HeldOut:
    return HeldOut(user, np.array(given or [30], np.int32), np.array(targets, np.int32))


def quality(ranked: list[int], *baskets: HeldOut) -> Quality:
    return measure(lambda _: ranked, baskets, BUNDLE).quality


def test_hits_by_hand() -> None:
    # Three targets, two of them found, at places 1 and 3 (counted from 1).
    found = quality([2, 7, 4, 9], basket([2, 4, 6]))
    assert found.recall == pytest.approx(2 / 3)
    dcg, ideal = 1 / log2(2) + 1 / log2(4), 1 / log2(2) + 1 / log2(3) + 1 / log2(4)
    assert found.ndcg == pytest.approx(dcg / ideal)
    assert found.baskets == 1


def test_perfect_and_hopeless() -> None:
    perfect = quality([2, 1], basket([1, 2]))
    assert (perfect.recall, perfect.ndcg) == (1, 1)
    hopeless = quality([5, 6], basket([1, 2]))
    assert (hopeless.recall, hopeless.ndcg) == (0, 0)
    silent = quality([], basket([1, 2]))
    assert (silent.recall, silent.ndcg) == (0, 0)


def test_only_the_first_twenty_places_count() -> None:
    late = [*range(1, 1 + 2 * K, 2)][:K]
    assert quality([*late, 2], basket([2])).recall == 0
    assert quality([*late[: K - 1], 2], basket([2])).ndcg == pytest.approx(1 / log2(K + 1))


def test_more_targets_than_places_can_still_be_perfect_by_ndcg() -> None:
    targets = list(range(25))
    found = quality(targets[:K], basket(targets))
    assert found.recall == pytest.approx(20 / 25)
    assert found.ndcg == pytest.approx(1)


def test_repeat_and_new_targets_are_measured_separately() -> None:
    # Items 2 and 4 had been bought before, 1 and 3 and 5 had not.
    found = quality([2, 1], basket([2, 4, 1, 3, 5]))
    assert found.recall_repeat == pytest.approx(1 / 2)
    assert found.recall_new == pytest.approx(1 / 3)
    # User 4 shops in the garden, so that there it is the other way round.
    found = quality([2, 1], basket([2, 4, 1, 3, 5], user=4))
    assert found.recall_repeat == pytest.approx(1 / 3)
    assert found.recall_new == pytest.approx(1 / 2)


def test_means_are_over_the_baskets_that_have_such_targets() -> None:
    baskets = basket([2, 1]), basket([2]), basket([1])
    found = quality([2], *baskets)
    assert found.recall == pytest.approx((1 / 2 + 1 + 0) / 3)
    assert found.recall_repeat == pytest.approx((1 + 1) / 2)
    assert found.recall_new == pytest.approx((0 + 0) / 2)
    assert found.baskets == 3


def test_without_such_targets_there_is_no_mean() -> None:
    found = quality([2], basket([2]))
    assert isnan(found.recall_new)
    assert not isnan(found.recall_repeat)


def test_without_baskets_there_is_nothing_to_judge_by() -> None:
    with pytest.raises(ValueError, match="held-out baskets"):
        quality([1])


def test_every_basket_keeps_its_own_figures() -> None:
    baskets = basket([2, 1]), basket([4, 6, 8], user=3)
    found = measure(lambda _: [7, 2, 4], baskets, BUNDLE)
    assert found.users.tolist() == [0, 3]
    assert found.recall.tolist() == pytest.approx([1 / 2, 1 / 3])
    assert found.recall_repeat.tolist() == pytest.approx([1, np.nan], nan_ok=True)
    assert found.ranked.tolist() == [[7, 2, 4] + [-1] * (K - 3)] * 2
    assert np.argwhere(found.hits).tolist() == [[0, 1], [1, 2]]


def test_the_production_recommender_as_a_ranking_function() -> None:
    recommender = Recommender(BUNDLE)
    rank = ranking_function(recommender, BUNDLE)
    ranked = rank(basket([2], given=[0, 4], user=1))
    answer = recommender.recommend(a_request("user-1", ["item-0", "item-4"], K))
    assert list(ranked) == [each.item_index for each in answer.items]
    assert len(ranked) == K


def test_the_table_shows_every_figure_with_three_digits() -> None:
    console = Console(width=100)
    with console.capture() as capture:
        console.print(quality_table({"mine": Quality(0.25, 0.125, 1, float("nan"), 9)}, "A title"))
    text = capture.get()
    assert "A title" in text
    (line,) = [line for line in text.splitlines() if "mine" in line]
    assert [cell.strip() for cell in line.split("│")[1:-1]] == [
        "mine",
        "0.250",
        "0.125",
        "1.000",
        "nan",
    ]
