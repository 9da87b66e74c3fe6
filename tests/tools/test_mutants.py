"""Mutants: dormant until the environment wakes one, and tested by the tests of their module."""

from importlib import import_module
from pathlib import Path

import pytest

from tools.mutants import ROOMS, ROOT, change, mirror_tests, mutate

MODULES = [path.relative_to(ROOT) for room in ROOMS for path in (ROOT / room).rglob("*.py")]


def test_one_at_a_time_is_awake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "toy.py").write_text("def double(n: int) -> int:\n    return 2 * n\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    mutants = mutate(tmp_path, Path("toy.py"))
    changes = {change(tmp_path, mutant): mutant.name for mutant in mutants}
    assert {each.splitlines()[-1].strip("+ ") for each in changes} == {
        "return 3 * n",
        "return 2 / n",
    }
    toy = import_module("toy")
    for name, doubled in (("", 10), (changes["-    return 2 * n\n+    return 3 * n"], 15)):
        monkeypatch.setenv("MUTANT_UNDER_TEST", name)
        assert toy.double(5) == doubled


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_every_module_has_tests(module: Path) -> None:
    assert all((ROOT / name).is_file() for name in mirror_tests(module))
    assert mirror_tests(module)


def test_the_mirror_of_a_module_comes_first() -> None:
    assert mirror_tests(Path("service/serving/canary.py")) == (
        "tests/service/serving/test_canary.py",
    )
