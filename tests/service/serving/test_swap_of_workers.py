"""Several workers swap bundles: one decides, and the others follow."""

import logging
from pathlib import Path

import pytest

from service.app import create_app
from service.recommending.request import RecommendRequest
from service.serving.decisions import Decisions
from service.serving.swap import Swap
from service.settings import Settings
from tests.data.daily_bundles import publish, publish_foreign
from tests.data.tiny_bundle import AISLES


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A directory whose current bundle is that of day 1."""
    publish(tmp_path / "bundles", 1)
    (tmp_path / "shared").mkdir()
    return tmp_path / "bundles"


def worker(out: Path) -> Swap:
    """The swap of one more worker, which is ready."""
    swap: Swap = create_app(Settings(bundle=out), shared=out.with_name("shared")).state.swap
    swap.start()
    return swap


def trials(caplog: pytest.LogCaptureFixture) -> int:
    """How often a canary has been asked."""
    return sum(record.message == "canary" for record in caplog.records)


def test_one_worker_accepts_for_all(out: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    one, other = worker(out), worker(out)
    old, _ = one.bundle_ids
    new = publish(out, 2)
    one.look()
    other.look()
    assert one.bundle_ids == other.bundle_ids == (new, old)
    assert trials(caplog) == 1


def test_one_worker_refuses_for_all(out: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    one, other = worker(out), worker(out)
    publish_foreign(out)
    for _ in range(2):
        one.look()
        other.look()
    assert one.bundle_ids == other.bundle_ids == worker(out).bundle_ids
    assert one.refused is not None
    assert one.refused == other.refused
    assert trials(caplog) == 1
    told = [[each[1:] for each in swap.history.latest()] for swap in (one, other)]
    assert told[0] == told[1] == [(None, one.refused), (one.bundle_ids[0], None)]


def test_whatever_each_worker_was_asked_all_answer_from_the_same_bundle(out: Path) -> None:
    apps = [create_app(Settings(bundle=out), shared=out.with_name("shared")) for _ in range(2)]
    for app in apps:
        app.state.swap.start()
    nothing = RecommendRequest(exclude_categories=list(AISLES))
    apps[0].state.serving.recent.extend([nothing] * 100)
    new = publish(out, 2)
    for app in apps:
        app.state.swap.look()
    assert {app.state.swap.bundle_ids[0] for app in apps} == {new}


def test_answers_that_are_empty_do_not_hide_a_foreign_bundle(out: Path) -> None:
    app = create_app(Settings(bundle=out))
    app.state.swap.start()
    app.state.serving.recent.extend([RecommendRequest(exclude_categories=list(AISLES))] * 100)
    publish_foreign(out)
    app.state.swap.look()
    assert "the overlap is 0" in app.state.swap.refused


def test_while_one_decides_the_others_wait_and_if_it_dies_another_one_decides(out: Path) -> None:
    one = worker(out)
    old, _ = one.bundle_ids
    new = publish(out, 2)
    with Decisions(out.with_name("shared")).deciding() as alone:
        assert alone
        one.look()
        assert one.bundle_ids == (old, None)
    one.look()
    assert one.bundle_ids == (new, old)


def test_two_rollbacks_in_quick_succession_undo_each_other(out: Path) -> None:
    one, other = worker(out), worker(out)
    publish(out, 2)
    for each in (one, other):
        each.look()
    before = one.bundle_ids
    one.rollback()
    other.rollback()  # before it has looked
    one.look()
    assert one.bundle_ids == other.bundle_ids == before


def test_a_worker_that_starts_knows_the_bundle_before(out: Path) -> None:
    one = worker(out)
    publish(out, 2)
    one.look()
    assert worker(out).bundle_ids == one.bundle_ids
    worker(out).rollback()
    one.look()
    assert worker(out).bundle_ids == one.bundle_ids


def test_a_worker_that_starts_begins_with_what_was_accepted(out: Path) -> None:
    one = worker(out)
    publish_foreign(out)
    one.look()
    assert worker(out).bundle_ids == one.bundle_ids


def test_a_shared_directory_that_was_removed_is_filled_again(out: Path) -> None:
    one = worker(out)
    publish_foreign(out)
    one.look()
    (shared := out.with_name("shared")).rename(out.with_name("removed"))
    one.look()
    shared.mkdir()  # by the supervisor
    one.look()
    assert worker(out).bundle_ids == one.bundle_ids
