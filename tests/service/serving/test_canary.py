"""The canary, on bundles whose answers are known."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from service.app import create_app
from service.bundle.bundle import preview_bundle
from service.recommending.answer import Recommendations
from service.recommending.recommender import Recommender
from service.recommending.request import RecommendRequest
from service.serving.canary import Canary, Recommend, replay
from service.settings import Settings
from service.telemetry.metrics import Metrics
from tests.data.daily_bundles import publish
from tests.data.tiny_bundle import AISLES, N_ITEMS, tiny_contents

REQUESTS = [RecommendRequest(basket=[f"item-{i}"], k=5) for i in range(4)]


def tiny(**changes: Any) -> Recommend:
    """Recommends from the tiny bundle, with other contents."""
    return Recommender(preview_bundle(tiny_contents(**changes))).recommend


def named(name: Callable[[int], str]) -> Recommend:
    """Recommends from the tiny bundle, whose items have other ids."""
    ids = [name(i) for i in range(N_ITEMS)]
    return tiny(catalogue=replace(tiny_contents().catalogue, item_ids=ids))


def test_a_bundle_beside_itself_overlaps_wholly() -> None:
    canary = replay(REQUESTS, tiny(), tiny())
    assert (canary.failures, canary.overlap) == (0, 1.0)
    assert canary.slowdown > 0


def test_ids_are_compared_and_not_rows() -> None:
    assert replay(REQUESTS, tiny(), named(lambda i: f"other-{i}")).overlap == 0


def test_fewer_recommendations_are_a_failure() -> None:
    left = ["item-1", "item-2", "item-3"]
    others = [f"item-{i}" for i in range(N_ITEMS) if f"item-{i}" not in left]
    request = RecommendRequest(k=3, exclude_items=[*others, "new"])
    renamed = named(lambda i: "new" if i == 3 else f"item-{i}")
    assert replay([request], tiny(), tiny())[:2] == (0, 1.0)
    failures, overlap, _ = replay([request], tiny(), renamed)
    assert (failures, overlap) == (1, 2 / 3)


EMPTY = [each.model_copy(update={"exclude_categories": list(AISLES)}) for each in REQUESTS]


def test_answers_that_were_empty_say_nothing() -> None:
    foreign = named(lambda i: f"other-{i}")
    assert replay(EMPTY, tiny(), tiny()) == replay(EMPTY, tiny(), foreign) == (0, 1.0, 1.0)
    assert replay([*EMPTY, *REQUESTS], tiny(), tiny())[:2] == (0, 1.0)
    assert replay([*EMPTY, *REQUESTS], tiny(), foreign)[:2] == (0, 0.0)


def failing(items: Sequence[str], error: type[Exception] = ZeroDivisionError) -> Recommend:
    """Fails for baskets that begin with these."""
    recommend = tiny()

    def fail(request: RecommendRequest) -> Recommendations:
        if request.basket[0] in items:
            raise error
        return recommend(request)

    return fail


ALL = [f"item-{i}" for i in range(len(REQUESTS))]


@pytest.mark.parametrize(
    "error", [FloatingPointError, IndexError, KeyError, RuntimeError, TypeError, ValueError]
)
def test_what_bad_numbers_raise_is_a_failure(error: type[Exception]) -> None:
    new = failing(ALL, error)
    assert replay(REQUESTS, tiny(), new) == (len(REQUESTS), 0.0, float("inf"))


def test_what_no_bad_number_raises_is_left_to_who_loads_the_bundle() -> None:
    with pytest.raises(MemoryError):
        replay(REQUESTS, tiny(), failing(ALL, MemoryError))


@pytest.mark.parametrize("fails", [ALL[:1], ALL])
def test_where_the_old_one_fails_the_new_one_need_only_answer(fails: list[str]) -> None:
    canary = replay(REQUESTS, failing(fails), tiny())
    assert canary[:2] == (0, 1.0)
    assert 0 < canary.slowdown < float("inf")


def test_where_both_fail_the_new_one_has_failed() -> None:
    old, new = failing(ALL), failing(ALL[:1])
    assert replay(REQUESTS, old, new).failures == 1


def test_what_the_canary_asks_is_no_stage_of_an_answer(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    app = create_app(Settings(bundle=tmp_path), metrics := Metrics())
    swap = app.state.swap
    swap.start()
    app.state.serving.recent.extend(REQUESTS)
    second = publish(tmp_path, 2)
    swap.look()
    assert swap.bundle_ids[0] == second
    assert 'stage_duration_seconds_count{stage="rank"} 0.0' in metrics.render().decode()


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
