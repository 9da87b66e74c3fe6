"""A bundle with invalid arrays of the basket score is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.bundle.bundle import load_bundle, write_bundle
from service.bundle.errors import BundleError
from tests.data.scored_shop import scored_contents


def spoilt(name: str, amount: int) -> dict[str, Any]:
    array = getattr(scored_contents(), name)
    return {name: (array + amount).astype(array.dtype)}


def backwards() -> dict[str, Any]:
    """The first inner node sends everything to itself."""
    contents = scored_contents()
    assert contents.score_feature is not None
    assert contents.score_right is not None
    right = contents.score_right.copy()
    inner = int(np.argmax(contents.score_feature >= 0))
    right[inner] = inner
    return {"score_right": right}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (spoilt("score_root", 1_000_000), "score_root"),
        (spoilt("score_population_root", 1_000_000), "score_population_root"),
        (spoilt("score_feature", -2), "score_feature"),
        (backwards(), "score_right"),
        ({"score_root": None}, "score_root"),
        ({"score_value": None}, "score_value"),
        ({"score_value": np.zeros(3, np.float32)}, "score_value"),
        (dict.fromkeys(("neighbour_indptr", "neighbour_item"), None), "neighbour_i"),
        (spoilt("history_last", 1 << 60), "history_last"),
        (spoilt("past_begun", -(1 << 60)), "past_begun"),
    ],
)
def test_arrays_that_lead_astray_are_refused(
    tmp_path: Path, change: dict[str, Any], named: str
) -> None:
    with pytest.raises(BundleError, match=named):
        write_bundle(tmp_path, replace(scored_contents(), **change))


def test_the_bundle_itself_loads(tmp_path: Path) -> None:
    bundle = load_bundle(write_bundle(tmp_path, scored_contents()))
    assert bundle.score_root is not None
