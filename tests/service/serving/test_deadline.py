"""Answers for which there is little time."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.app import create_app
from service.bundle.bundle import BundleContents, preview_bundle
from service.http.readiness import require_served
from service.recommending.recommender import Recommender
from service.recommending.request import RecommendRequest
from service.serving.deadline import Deadline
from service.settings import Settings
from tests.data.by_score import by_score
from tests.data.ranked_shop import ranked_contents
from tests.data.tiny_bundle import tiny_contents
from tests.service.conftest import listening

ASKED = RecommendRequest(user_id="user-0", basket=["item-0", "item-2"], k=5)


def deadline(
    observe: Callable[[str], None] = lambda _dropped: None,
    contents: BundleContents | None = None,
    **options: Any,
) -> Deadline:
    """One whose full effort takes 8 s, the next one 4 s, and so on."""
    bundle = preview_bundle(contents or tiny_contents())
    made = Deadline(Recommender(bundle, by_score(**options)), [ASKED], observe)
    for place, effort in enumerate(made.efforts):
        effort.usual_s = 8 / 2**place
    return made


def test_work_is_dropped_in_a_fixed_order() -> None:
    order = ["", "diversity", "ranker", "anchors", "search"]
    efforts = deadline(contents=ranked_contents(), mmr_lambda=0.7).efforts
    assert [effort.dropped for effort in efforts] == order


def test_work_that_is_not_done_anyway_is_not_dropped() -> None:
    assert [effort.dropped for effort in deadline().efforts] == ["", "anchors", "search"]
    efforts = deadline(contents=ranked_contents(), ranker=False).efforts
    assert [effort.dropped for effort in efforts] == ["", "anchors", "search"]


@pytest.mark.parametrize(
    ("left_s", "dropped"),
    [(16, []), (15.9, ["anchors"]), (8, ["anchors"]), (7.9, ["search"]), (0, ["search"])],
)
def test_the_first_effort_that_fits_twice_into_the_time_answers(
    left_s: float, dropped: list[str]
) -> None:
    told: list[str] = []
    answer = deadline(told.append).recommend(left_s, ASKED)
    assert told == dropped
    assert answer.degraded is bool(dropped)


def test_what_is_late_already_gets_the_least_work() -> None:
    told: list[str] = []
    answer = deadline(told.append).recommend(-1, ASKED)
    assert told == ["search"]
    assert answer.degraded
    assert answer.source == "user+basket"


def test_the_least_work_still_gives_k_items_that_are_allowed() -> None:
    asked = ASKED.model_copy(update={"k": 12, "exclude_items": ["item-4"]})
    items = [each.item_id for each in deadline().recommend(0, asked).items]
    assert len(set(items)) == 12
    assert not {"item-0", "item-2", "item-4"} & set(items)
    # What user 0 bought before comes first: items 6, 8 and 10 are left of it.
    assert set(items[:3]) == {"item-6", "item-8", "item-10"}


def test_what_is_usual_is_learned() -> None:
    late = deadline()
    before = late.efforts[-1].usual_s
    late.recommend(0, ASKED)
    assert late.efforts[-1].usual_s < before


def test_a_slow_answer_rules_no_effort_out_for_good() -> None:
    late = deadline()
    late.efforts[0].usual_s = 1e-9  # any answer is slow beside that
    degraded = [late.recommend(2.2e-9, ASKED).degraded for _ in range(200)]
    assert degraded[:2] == [False, True]
    assert False in degraded[2:]


def test_what_comes_too_late_for_any_effort_says_nothing_of_them() -> None:
    late = deadline()
    late.recommend(-1, ASKED)
    assert [effort.usual_s for effort in late.efforts[:-1]] == [8, 4]


@pytest.mark.parametrize(("left_s", "observed"), [(100, True), (0, False)])
def test_stages_are_observed_where_all_the_work_is_done(left_s: float, observed: bool) -> None:
    stages: list[str] = []
    answer = deadline().recommend(left_s, ASKED, observe=lambda stage, _s: stages.append(stage))
    assert (stages != []) is observed
    assert answer.degraded is not observed


@pytest.mark.parametrize(
    ("default", "request_ms", "degraded"),
    [
        (None, {}, False),
        (None, {"timeout_ms": 100_000}, False),
        (None, {"timeout_ms": 15_000}, True),
        (15_000, {}, True),
        (15_000, {"timeout_ms": None}, False),
        (15_000, {"timeout_ms": 100_000}, False),
    ],
)
def test_a_request_says_how_long_it_may_take_or_a_setting_does(
    bundle_dir: Path,
    default: int | None,
    request_ms: dict[str, int | None],
    degraded: bool,
) -> None:
    app = create_app(Settings(bundle=bundle_dir, timeout_ms=default))
    app.state.swap.start()
    for effort in require_served(app.state.serving).deadline.efforts:
        effort.usual_s = 8.0
    with listening(app) as client:
        answer = client.post("/recommend", json={"user_id": "user-0"} | request_ms).json()
        assert answer["degraded"] is degraded
        counted = 'rtt2vec_hurried_answers_total{dropped="search"} 1.0'
        assert (counted in client.get("/metrics").text) is degraded


def test_no_time_at_all_cannot_be_asked_for(client: httpx.Client) -> None:
    refused = client.post("/recommend", json={"timeout_ms": 0})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"].startswith("timeout_ms")
