"""The canary, on bundles whose answers are known."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from service.bundle import preview_bundle
from service.canary import Canary, replay
from service.recommender import Recommender
from service.schemas import RecommendRequest
from service.settings import Settings
from tests.data.tiny_bundle import N_ITEMS, tiny_contents

REQUESTS = [RecommendRequest(basket=[f"item-{i}"], k=5) for i in range(4)]


def recommender(**changes: Any) -> Recommender:
    """One of the tiny bundle, with other contents."""
    return Recommender(preview_bundle(tiny_contents(**changes)), Settings())


def named(name: Callable[[int], str]) -> Recommender:
    """One of the tiny bundle, whose items have other ids."""
    ids = [name(i) for i in range(N_ITEMS)]
    return recommender(catalogue=replace(tiny_contents().catalogue, item_ids=ids))


def test_a_bundle_beside_itself_overlaps_wholly() -> None:
    canary = replay(REQUESTS, recommender(), recommender())
    assert (canary.failures, canary.overlap) == (0, 1.0)
    assert canary.slowdown > 0


def test_ids_are_compared_and_not_rows() -> None:
    assert replay(REQUESTS, recommender(), named(lambda i: f"other-{i}")).overlap == 0


def test_fewer_recommendations_are_a_failure() -> None:
    left = ["item-1", "item-2", "item-3"]
    others = [f"item-{i}" for i in range(N_ITEMS) if f"item-{i}" not in left]
    request = RecommendRequest(k=3, exclude_items=[*others, "new"])
    renamed = named(lambda i: "new" if i == 3 else f"item-{i}")
    assert replay([request], recommender(), recommender())[:2] == (0, 1.0)
    failures, overlap, _ = replay([request], recommender(), renamed)
    assert (failures, overlap) == (1, 2 / 3)


def test_an_exception_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = recommender(), recommender()

    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(new, "recommend", fail)
    assert replay(REQUESTS, old, new).failures == len(REQUESTS)


@pytest.mark.parametrize(
    ("canary", "objection"),
    [
        (Canary(1, 0.5, 3.0), None),
        (Canary(2, 0.5, 3.0), "In the canary, 2 requests failed."),
        (Canary(1, 0.49, 3.0), "In the canary, the overlap is 0.49."),
        (Canary(0, 1.0, 3.1), "In the canary, an answer takes 3.1 times as long."),
        (Canary(2, 0.4, 3), "In the canary, 2 requests failed and the overlap is 0.40."),
    ],
)
def test_limits_are_settings(canary: Canary, objection: str | None) -> None:
    settings = Settings(canary_failure_limit=1, canary_min_overlap=0.5, canary_slowdown_limit=3.0)
    assert canary.objection(settings) == objection
