"""A bundle is taken back, at once and after a restart."""

import shutil
from pathlib import Path

import pytest

from service.http.readiness import require_served
from service.serving.errors import SwapError
from tests.data.daily_bundles import publish, publish_damaged, publish_foreign
from tests.service.serving.swapping import ready


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
