"""A bundle with invalid arrays of the ranker is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.bundle.bundle import load_bundle, write_bundle
from service.bundle.errors import BundleError
from tests.data.ranked_shop import N_ITEMS, ranked_contents


def spoilt(name: str, amount: int) -> dict[str, Any]:
    array = getattr(ranked_contents(), name)
    return {name: (array + amount).astype(array.dtype)}


def backwards() -> dict[str, Any]:
    """The first inner node sends everything to itself."""
    contents = ranked_contents()
    assert contents.tree_feature is not None
    assert contents.tree_left is not None
    left = contents.tree_left.copy()
    inner = int(np.argmax(contents.tree_feature >= 0))
    left[inner] = inner
    return {"tree_left": left}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (spoilt("past_indptr", 1_000_000), "past_indptr"),
        (spoilt("past_item", N_ITEMS), "past_item"),
        (spoilt("neighbour_item", N_ITEMS), "neighbour_item"),
        (spoilt("neighbour_indptr", -1), "neighbour_indptr"),
        (spoilt("tree_root", 1_000_000), "tree_root"),
        (spoilt("tree_feature", -2), "tree_feature"),
        (backwards(), "tree_left"),
        ({"tree_root": None}, "tree_root"),
        ({"item_trend": None}, "item_trend"),
        ({"item_rhythm": None}, "item_rhythm"),
        ({"item_trend": np.zeros((N_ITEMS, 3), np.float32)}, "item_trend"),
        ({"item_count": np.zeros(N_ITEMS, np.int32)}, "item_count"),
    ],
)
def test_arrays_that_lead_astray_are_refused(
    tmp_path: Path, change: dict[str, Any], named: str
) -> None:
    with pytest.raises(BundleError, match=named):
        write_bundle(tmp_path, replace(ranked_contents(), **change))


def test_the_bundle_itself_loads(tmp_path: Path) -> None:
    assert load_bundle(write_bundle(tmp_path, ranked_contents())).tree_root is not None
