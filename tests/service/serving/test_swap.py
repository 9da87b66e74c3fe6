"""Another bundle takes over while the service answers."""

import logging
import weakref
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

import pytest

from service.bundle.errors import BundleMissingError
from service.bundle.publishing import point_current_at
from service.http.readiness import require_served
from service.recommending.request import RecommendRequest
from service.serving.canary import Canary, Recommend, replay
from service.serving.errors import SwapError
from service.serving.served import Served
from service.support.forgotten_users import ForgottenUsers, ForgottenUsersError
from tests.data.daily_bundles import publish, publish_damaged, publish_foreign
from tests.data.requests import a_request
from tests.service.serving.swapping import ready


def test_the_bundle_that_current_points_at_takes_over(out: Path) -> None:
    serving, swap = ready(out)
    old, _ = swap.bundle_ids
    swap.look()
    assert swap.bundle_ids == (old, None)
    new = publish(out, 2)
    swap.look()
    assert swap.bundle_ids == (new, old)
    assert require_served(serving).bundle.bundle_id == new


def test_what_a_request_began_with_answers_as_before(out: Path) -> None:
    serving, swap = ready(out, canary_requests=0)
    began_with = require_served(serving)
    before = began_with.recommender.recommend(a_request("user-0", ["item-0"], 5))
    publish_foreign(out)
    swap.look()
    assert require_served(serving) is not began_with
    assert (
        require_served(serving).recommender.recommend(a_request("user-0", ["item-0"], 5)) != before
    )
    assert began_with.recommender.recommend(a_request("user-0", ["item-0"], 5)) == before


@pytest.mark.parametrize(
    ("publish_bad", "reason"),
    [(publish_damaged, "item_vectors.npy: expected"), (publish_foreign, "the overlap is 0")],
)
def test_a_bad_bundle_never_takes_over(
    out: Path,
    publish_bad: Callable[[Path], str],
    reason: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    _, swap = ready(out)
    good, _ = swap.bundle_ids
    bad = publish_bad(out)
    swap.look()
    assert swap.bundle_ids == (good, None)
    assert swap.refused is not None
    assert f"{bad}" in swap.refused
    assert reason in swap.refused
    assert swap.refused in caplog.text
    with pytest.raises(SwapError, match=bad):
        swap.reload()


def test_a_refused_bundle_is_tried_again_only_when_link_or_files_change(
    out: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    _, swap = ready(out, canary_min_overlap=1)
    new = publish_foreign(out)

    def trials() -> int:
        swap.look()
        return sum(record.message == "canary" for record in caplog.records)

    assert [trials(), trials()] == [1, 1]
    point_current_at(out, out / new)
    assert [trials(), trials()] == [2, 2]
    (out / new / "manifest.json").touch()
    assert [trials(), trials()] == [3, 3]
    assert swap.refused is not None
    assert "overlap" in swap.refused


def test_when_current_goes_back_nothing_is_refused_any_more(out: Path) -> None:
    _, swap = ready(out)
    good, _ = swap.bundle_ids
    publish_damaged(out)
    swap.look()
    assert swap.refused is not None
    publish(out, 1)
    swap.look()
    assert swap.bundle_ids == (good, None)
    assert swap.refused is None


def test_a_bundle_served_on_its_own_has_no_link_to_follow(out: Path) -> None:
    _, swap = ready((out / "current").resolve())
    swap.look()
    with pytest.raises(SwapError, match="current cannot be followed"):
        swap.reload()


def test_a_new_bundle_that_could_not_be_read_is_tried_again(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving, swap = ready(out)
    old, _ = swap.bundle_ids
    prepare, trials = serving.prepare, count(1)

    def fail_twice(path: Path) -> Served:
        if (trial := next(trials)) <= 2:
            raise ForgottenUsersError("of a disk") if trial == 1 else _unreadable(path)
        return prepare(path)

    monkeypatch.setattr(serving, "prepare", fail_twice)
    new = publish(out, 2)
    swap.look()
    assert swap.bundle_ids == (old, None)
    assert str(swap.refused) == "of a disk"
    while swap.refused is not None:  # no link and no file changes
        assert require_served(serving).bundle.bundle_id == old
        swap.look()
    assert swap.bundle_ids == (new, old)
    assert next(trials) == 4  # no more often than it had to


def _unreadable(path: Path) -> BundleMissingError:
    return BundleMissingError(path, "a bundle that can be read", "[Errno 5]")


def test_a_list_of_forgotten_users_that_breaks_keeps_no_bundle_from_taking_over(
    out: Path,
) -> None:
    ForgottenUsers(out).add("user-0", 1 << 33)
    serving, swap = ready(out)
    (out / "forgotten.txt").write_text("user-0\n")
    new = publish(out, 2)
    swap.look()
    assert swap.bundle_ids[0] == new
    asked = a_request("user-0", ["item-0"], 5)
    assert require_served(serving).recommend(asked).source == "basket"


def test_the_canary_asks_nothing_of_forgotten_users(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[RecommendRequest] = []

    def note(requests: Sequence[RecommendRequest], old: Recommend, new: Recommend) -> Canary:
        asked.extend(requests)
        return replay(requests, old, new)

    monkeypatch.setattr("service.serving.swap.replay", note)
    serving, swap = ready(out)
    serving.recent.extend(RecommendRequest(user_id=f"user-{i}") for i in range(3))
    ForgottenUsers(out).add("user-1", 1 << 33)
    new = publish(out, 2)
    swap.look()
    assert swap.bundle_ids[0] == new
    assert [request.user_id for request in asked[:2]] == ["user-0", "user-2"]
    assert "user-1" not in {request.user_id for request in asked}


def test_the_canary_asks_what_was_asked_last(
    out: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    serving, swap = ready(out, canary_requests=2)
    asked: list[list[str]] = []

    def note(requests: Sequence[RecommendRequest], old: Recommend, new: Recommend) -> Canary:
        asked.extend(request.basket for request in requests)
        return replay(requests, old, new)

    monkeypatch.setattr("service.serving.swap.replay", note)
    serving.recent.extend(RecommendRequest(basket=[f"item-{i}"]) for i in range(5))
    publish(out, 2)
    swap.look()
    (record,) = [record for record in caplog.records if record.message == "canary"]
    assert record.__dict__["overlap"] == 1
    assert record.__dict__["failures"] == 0
    assert [basket for basket in asked if basket][:2] == [["item-3"], ["item-4"]]


def test_bundles_that_nobody_can_go_back_to_are_freed(out: Path) -> None:
    serving, swap = ready(out)
    bundles = []
    for day in (2, 3, 4, 5):
        bundles.append(weakref.ref(require_served(serving).bundle))
        publish(out, day)
        swap.look()
    assert [bundle() is None for bundle in bundles] == [True, True, True, False]


def test_a_link_that_leads_nowhere_is_refused_and_a_good_one_followed_later(out: Path) -> None:
    _, swap = ready(out)
    good, _ = swap.bundle_ids
    (out / "current").unlink()
    (out / "current").symlink_to("current")
    swap.look()
    assert swap.bundle_ids == (good, None)
    assert swap.refused is not None
    (out / "current").unlink()
    new = publish(out, 2)
    swap.look()
    assert swap.bundle_ids == (new, good)
