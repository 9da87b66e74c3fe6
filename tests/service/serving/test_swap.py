"""Another bundle takes over while the service answers, and is taken back."""

import logging
import shutil
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from service.app import create_app
from service.bundle.errors import BundleMissingError
from service.bundle.publishing import point_current_at
from service.http.readiness import require_served
from service.recommending.request import RecommendRequest
from service.serving.canary import Canary, Recommend, replay
from service.serving.served import Served
from service.serving.serving import Serving
from service.serving.swap import Swap, SwapError
from service.settings import Settings
from service.support.forgotten_users import ForgottenUsers, ForgottenUsersError
from tests.data.daily_bundles import publish, publish_damaged, publish_foreign
from tests.data.requests import a_request


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A directory whose current bundle is that of day 1."""
    publish(tmp_path, 1)
    return tmp_path


def ready(out: Path, shared: Path | None = None, **settings: Any) -> tuple[Serving, Swap]:
    """What a worker answers from, and what swaps it."""
    state = create_app(Settings(bundle=out, **settings), shared=shared).state
    state.swap.start()
    return state.serving, state.swap


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


def test_rollback_goes_back_at_once_and_twice_undoes_it(out: Path) -> None:
    serving, swap = ready(out)
    old = require_served(serving)
    new_id = publish(out, 2)
    swap.look()
    swap.rollback()
    assert require_served(serving) is old
    assert (out / "current").resolve().name == old.bundle.bundle_id
    swap.rollback()
    assert swap.bundle_ids == (new_id, old.bundle.bundle_id)


def test_the_other_workers_follow_a_rollback(out: Path) -> None:
    swaps = [ready(out)[1] for _ in range(2)]
    publish(out, 2)
    for swap in swaps:
        swap.look()
    swaps[0].rollback()
    swaps[1].look()
    assert swaps[0].bundle_ids == swaps[1].bundle_ids


def test_reload_has_the_other_workers_try_again(out: Path) -> None:
    _, swap = ready(out)
    _, other = ready(out)
    publish_damaged(out)
    for each in (swap, other):
        each.look()
    good = publish_again(out)
    swap.reload()
    other.look()
    assert swap.bundle_ids == other.bundle_ids
    assert swap.bundle_ids[0] == good
    assert other.refused is None


def publish_again(out: Path) -> str:
    """Repair the damaged bundle where it lies, and leave the link as it is."""
    name = (out / "current").readlink().name
    vectors = out / name / "item_vectors.npy"
    whole = out / "whole"
    vectors.write_bytes((whole / publish(whole, 8) / "item_vectors.npy").read_bytes())
    return name


def test_there_is_nothing_to_roll_back_to_at_first(out: Path) -> None:
    _, swap = ready(out)
    with pytest.raises(SwapError, match="No other bundle"):
        swap.rollback()


def test_a_bundle_served_on_its_own_has_no_link_to_follow(out: Path) -> None:
    _, swap = ready((out / "current").resolve())
    swap.look()
    with pytest.raises(SwapError, match="current cannot be followed"):
        swap.reload()


def test_a_service_without_a_bundle_begins_with_the_first_good_one(tmp_path: Path) -> None:
    serving, swap = ready(tmp_path)
    assert serving.served is None
    first = publish(tmp_path, 1)
    swap.look()
    assert swap.bundle_ids == (first, None)
    assert serving.reason is None


def test_without_a_bundle_it_looks_until_the_files_are_whole(out: Path) -> None:
    shutil.move(out, away := out.with_name("away"))
    serving, swap = ready(out)
    assert serving.served is None
    shutil.copytree(away, out, symlinks=True)
    vectors = (out / "current").resolve() / "item_vectors.npy"
    whole = vectors.read_bytes()
    vectors.write_bytes(whole[:-1])
    swap.look()
    assert serving.reason is not None
    assert "item_vectors.npy" in serving.reason
    vectors.write_bytes(whole)  # where it lies, and the link stays as it is
    swap.look()
    assert require_served(serving).bundle.bundle_id == swap.bundle_ids[0]
    assert swap.refused is None


def test_without_a_bundle_it_looks_again_even_if_no_file_has_changed(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = create_app(Settings(bundle=out)).state
    prepare, looks = state.serving.prepare, count(1)

    def fail_twice(path: Path) -> Served:
        if next(looks) <= 2:
            raise OSError("of a disk")
        served: Served = prepare(path)
        return served

    monkeypatch.setattr(state.serving, "prepare", fail_twice)
    while state.serving.served is None:
        state.swap.look()
    assert next(looks) == 4  # no more often than it had to


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


def test_with_a_broken_list_of_forgotten_users_it_waits_for_a_whole_one(out: Path) -> None:
    (broken := out / "forgotten.txt").write_text("user-0\n")
    serving, swap = ready(out)
    assert serving.served is None
    assert "expected a list of forgotten users" in str(serving.reason)
    broken.unlink()
    while serving.served is None:
        swap.look()


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


def test_who_looks_while_the_first_bundle_loads_waits_for_it(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = create_app(Settings(bundle=out)).state
    prepare = state.serving.prepare
    with ThreadPoolExecutor(2) as threads:
        looks: list[Future[None]] = []

        def prepare_while_the_link_moves(path: Path) -> Served:
            served: Served = prepare(path)
            if not looks:
                publish(out, 2)
                looks.append(threads.submit(state.swap.look))
            return served

        monkeypatch.setattr(state.serving, "prepare", prepare_while_the_link_moves)
        threads.submit(state.swap.start).result()
        looks[0].result()
    first, second = publish(out, 1), publish(out, 2)
    assert state.swap.bundle_ids == (second, first)


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


@pytest.mark.parametrize("links", [["current"], ["other", "current"], ["none"]])
def test_a_current_that_leads_nowhere_is_refused(out: Path, links: list[str]) -> None:
    _, swap = ready(out)
    good, _ = swap.bundle_ids
    (out / "current").unlink()
    for name, target in zip(["current", "other"], links, strict=False):
        (out / name).symlink_to(target)
    swap.look()
    with pytest.raises(SwapError, match="current cannot be followed"):
        swap.reload()
    assert swap.bundle_ids == (good, None)


def test_the_bundle_before_is_known_after_a_restart(out: Path) -> None:
    _, swap = ready(out)
    old, _ = swap.bundle_ids
    new = publish(out, 2)
    swap.look()
    _, restarted = ready(out)
    assert restarted.bundle_ids == (new, old)
    restarted.rollback()
    assert restarted.bundle_ids == (old, new)
    _, restarted = ready(out)
    assert restarted.bundle_ids == (old, new)


def test_after_a_restart_one_goes_back_from_a_refused_bundle_to_the_last_good_one(
    out: Path,
) -> None:
    _, swap = ready(out)
    good, _ = swap.bundle_ids
    foreign = publish_foreign(out)
    swap.look()
    _, restarted = ready(out)  # and has nothing to compare with
    assert restarted.bundle_ids == (foreign, good)
    restarted.rollback()
    assert restarted.bundle_ids == (good, foreign)


def test_a_bundle_before_that_is_gone_is_no_way_back(out: Path) -> None:
    _, swap = ready(out)
    old, _ = swap.bundle_ids
    publish(out, 2)
    swap.look()
    _, restarted = ready(out)
    shutil.rmtree(out / str(old))
    with pytest.raises(SwapError, match="expected a bundle"):
        restarted.rollback()
    assert (out / "current").resolve().name == restarted.bundle_ids[0]
