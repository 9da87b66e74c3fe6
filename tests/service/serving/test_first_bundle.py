"""A worker without a bundle begins with the first good one."""

import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from pathlib import Path
from weakref import ref

import pytest

from service.app import create_app
from service.http.readiness import require_served
from service.serving.served import Served
from service.settings import Settings
from service.supervision.start_checks import checked
from tests.data.daily_bundles import publish
from tests.service.serving.swapping import ready


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


def test_with_a_broken_list_of_forgotten_users_it_waits_for_a_whole_one(out: Path) -> None:
    (broken := out / "forgotten.txt").write_text("user-0\n")
    serving, swap = ready(out)
    assert serving.served is None
    assert "expected a list of forgotten users" in str(serving.reason)
    broken.unlink()
    while serving.served is None:
        swap.look()


def test_the_bundle_that_was_checked_is_not_read_again(out: Path) -> None:
    settings = Settings(bundle=out)
    state = create_app(settings, load=checked(settings).load).state
    (out / "current" / "item_vectors.npy").unlink()
    state.swap.start()
    assert require_served(state.serving).bundle.bundle_id == state.swap.bundle_ids[0]


def test_if_the_link_has_moved_since_the_checks_the_new_bundle_is_loaded(out: Path) -> None:
    settings = Settings(bundle=out)
    load = checked(settings).load
    new = publish(out, 2)
    state = create_app(settings, load=load).state
    state.swap.start()
    assert require_served(state.serving).bundle.bundle_id == new


def test_the_bundle_that_was_checked_is_freed_after_two_swaps(out: Path) -> None:
    settings = Settings(bundle=out)
    load = checked(settings).load
    state = create_app(settings, load=load).state
    state.swap.start()
    first = ref(require_served(state.serving).bundle)
    for day in (2, 3):
        publish(out, day)
        state.swap.look()
    assert first() is None


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
