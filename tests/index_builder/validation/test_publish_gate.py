"""The publish gate: what has to be shown before a bundle becomes current."""

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from index_builder.build import build
from index_builder.measuring.quality import K, Measured
from index_builder.validation.publish_gate import GateResult, PublishGateError, enforce, gate_result
from service.bundle.bundle import load_bundle
from tests.data.aisle_shop import shop
from tests.index_builder.conftest import QUICK


def measured(recall: list[float]) -> Measured:
    """A method with this recall on the baskets of as many users."""
    n = len(recall)
    values = np.array(recall)
    return Measured(
        users=np.arange(n, dtype=np.int32),
        ranked=np.zeros((n, K), np.int32),
        hits=np.zeros((n, K), np.bool_),
        recall=values,
        ndcg=values,
        recall_repeat=values,
        recall_new=values,
    )


def result(popularity: list[float], frequency: list[float], ours: list[float]) -> GateResult:
    rows = {"item popularity": popularity, "user frequency": frequency, "ours": ours}
    return gate_result({name: measured(recall) for name, recall in rows.items()}, seed=0)


def said(found: GateResult, strict: bool = False) -> str:
    console = Console(width=300)
    with console.capture() as capture:
        enforce(found, strict, console)
    return capture.get()


def test_always_better_than_both_passes() -> None:
    found = result([0.25] * 20, [0.5] * 20, [0.75] * 20)
    assert found.passed
    assert found.facts() == {
        "passed": True,
        "recall_leads": {"item popularity": [0.5] * 3, "user frequency": [0.25] * 3},
    }
    text = "item popularity +0.500 (+0.500 to +0.500); user frequency +0.250 (+0.250 to +0.250)"
    assert text in said(found, strict=True)
    assert "20 validation baskets" in said(found)


@pytest.mark.parametrize(
    ("popularity", "frequency", "ours"),
    [
        ([0.5] * 20, [0.25] * 20, [0.5] * 20),  # as good as one of them
        ([0.25] * 20, [0.5] * 20, [0.375] * 20),  # worse than one of them
        ([0.0] * 20, [0.25] * 20, [1.0] + [0.25] * 19),  # better for a single user
    ],
)
def test_a_system_that_does_not_beat_both_does_not_pass(
    popularity: list[float], frequency: list[float], ours: list[float]
) -> None:
    found = result(popularity, frequency, ours)
    assert not found.passed
    assert found.facts()["passed"] is False
    assert "NOT SHOWN" in said(found)
    assert "--strict" in said(found)
    with pytest.raises(PublishGateError, match=r"user frequency .* 95 % intervals on 20 valid"):
        enforce(found, strict=True, console=Console(quiet=True))


def test_without_validation_nothing_is_proven() -> None:
    found = gate_result({}, seed=0)
    assert not found.passed
    assert found.facts() == {"passed": False, "recall_leads": {}}
    assert "too small to validate" in said(found)
    with pytest.raises(PublishGateError, match="too small to validate"):
        enforce(found, strict=True, console=Console(quiet=True))


def test_a_shop_with_something_to_learn_passes(tmp_path: Path) -> None:
    transactions = shop(tmp_path, at_random=False)
    build(transactions, None, QUICK, tmp_path / "out", None, Console(quiet=True), strict=True)
    gate = load_bundle(tmp_path / "out").manifest.metrics["publish_gate"]
    assert isinstance(gate, dict)
    assert gate["passed"] is True


def test_a_shop_with_nothing_to_learn_is_built_with_a_warning(tmp_path: Path) -> None:
    console = Console(width=300)
    transactions = shop(tmp_path, at_random=True)
    with console.capture() as capture:
        build(transactions, None, QUICK, tmp_path / "out", None, console)
    assert "NOT SHOWN" in capture.get()
    gate = load_bundle(tmp_path / "out").manifest.metrics["publish_gate"]
    assert isinstance(gate, dict)
    assert gate["passed"] is False


@pytest.mark.parametrize("days", [90, 12])  # the second is too small to validate
def test_strict_refuses_it_and_the_bundle_before_stays(tmp_path: Path, days: int) -> None:
    good, quiet = shop(tmp_path, at_random=False), Console(quiet=True)
    before = build(good, None, QUICK, tmp_path / "out", None, quiet)
    bad = shop(tmp_path, at_random=True, days=days)
    with pytest.raises(PublishGateError, match="Nothing was published"):
        build(bad, None, QUICK, tmp_path / "out", None, quiet, strict=True)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {before.name, "current"}
    assert load_bundle(tmp_path / "out").path == before
