"""A bundle with invalid association rules is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.bundle.bundle import load_bundle, write_bundle
from service.bundle.errors import BundleError
from tests.data.ruled_shop import ruled_contents
from tests.data.tiny_bundle import N_ITEMS, tiny_contents


def changed(name: str, at: Any, value: float) -> dict[str, Any]:
    array = getattr(ruled_contents(), name).copy()
    array[at] = value
    return {name: array}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (changed("rule_indptr", -1, 1_000_000), "rule_indptr"),
        (changed("rule_indptr", 1, 1_000_000), "rule_indptr"),
        (changed("rule_antecedent", (0, 0), N_ITEMS), "rule_antecedent"),
        (changed("rule_antecedent", (0, 0), -2), "rule_antecedent"),
        (changed("rule_antecedent", (0, 0), -1), "rule_antecedent"),
        (changed("rule_antecedent", (0, 0), 0), "rule_antecedent"),
        (changed("rule_consequent", 0, N_ITEMS), "rule_consequent"),
        (changed("rule_consequent", 0, -1), "rule_consequent"),
        (changed("rule_support", 0, 0), "rule_support"),
        (changed("rule_confidence", 0, 1.5), "rule_confidence"),
        (changed("rule_lift", 0, -1), "rule_lift"),
        (changed("rule_lift", 0, np.nan), "rule_lift"),
        ({"rule_antecedent": np.zeros((9, 5), np.int32)}, "rule_antecedent"),
        ({"category_lift": np.zeros((2, 3), np.float32)}, "category_lift"),
        ({"category_lift": None}, "category_lift"),
        ({"rule_lift": None}, "rule_lift"),
    ],
)
def test_rules_that_lead_astray_are_refused(
    tmp_path: Path, change: dict[str, Any], named: str
) -> None:
    with pytest.raises(BundleError, match=named):
        write_bundle(tmp_path, replace(ruled_contents(), **change))


def test_the_bundle_itself_loads_with_its_rules_and_so_does_one_without(tmp_path: Path) -> None:
    contents = ruled_contents()
    loaded = load_bundle(write_bundle(tmp_path, contents))
    for name in ("rule_indptr", "rule_antecedent", "rule_lift", "category_lift"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(contents, name))
    assert load_bundle(write_bundle(tmp_path, tiny_contents())).rule_indptr is None
