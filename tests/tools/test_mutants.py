"""Mutants: dormant until the environment wakes one, and tested by the tests of their module."""

from importlib import import_module
from pathlib import Path

import pytest

from tools.mutants import ROOT, Mutant, Reach, change, mutate, quick_files, reaching


def test_one_at_a_time_is_awake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "toy.py").write_text(
        "def double(n):\n    return 2 * n\n\ndef hail():\n    return 'hail'\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    mutants = mutate(tmp_path, Path("toy.py"))
    changes = {change(tmp_path, mutant): mutant.name for mutant in mutants}
    assert {each.splitlines()[-1].strip("+ ") for each in changes} == {
        "return 3 * n",
        "return 2 / n",
        "return 'XXhailXX'",
    }
    toy = import_module("toy")
    for name, doubled in (("", 10), (changes["-    return 2 * n\n+    return 3 * n"], 15)):
        monkeypatch.setenv("MUTANT_UNDER_TEST", name)
        assert toy.double(5) == doubled


def test_tests_of_the_module_and_then_quick_ones_come_first() -> None:
    mutant = Mutant(Path("toy.py"), "toy.x_double__mutmut_2")
    reach = {
        "test_toy.py::test_it": Reach(8, frozenset({"toy.x_double"})),
        "test_late.py::test_slowly": Reach(17, frozenset({"toy.x_double"})),
        "test_quick.py::test_toy": Reach(2, frozenset({"toy.x_double", "toy.x_other"})),
        "test_quick.py::test_more": Reach(3, frozenset({"toy.x_double"})),
        "test_elsewhere.py::test_it": Reach(1, frozenset({"toy.x_other"})),
    }
    chosen = ["test_toy.py::test_it", "test_quick.py::test_toy", "test_quick.py::test_more"]
    assert reaching(mutant, reach) == chosen
    assert reaching(Mutant(Path("toy.py"), "toy.x_lost__mutmut_1"), reach) == []


def test_the_files_of_tests_exist() -> None:
    files = quick_files()
    assert "tests/service/http/routes/test_events.py" in files
    assert all((ROOT / name).is_file() for name in files)
