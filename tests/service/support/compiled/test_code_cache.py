"""Where compiled loops are kept, and that nothing depends on it."""

import errno
import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from numba.core import config, event

LOOP = """
import numpy as np
from service.support.arrays.array_types import Int32
from service.support.compiled.compilation import compiled

@compiled()
def total(numbers: Int32, start: int) -> int:
    for number in numbers:
        start += number
    return start
"""

CALLER = """
from loop import total as total_of_loop
from service.support.arrays.array_types import Int32
from service.support.compiled.compilation import compiled

@compiled()
def total(numbers: Int32, start: int) -> int:
    return 2 * total_of_loop(numbers, start)
"""


class Machine:
    """The places where code could be kept, all empty."""

    def __init__(self, root: Path) -> None:
        self.package, self.home, self.temporary = root / "package", root / "home", root / "tmp"
        for each in (self.package, self.home, self.temporary):
            each.mkdir()
        self.loop = self.package / "loop.py"
        self.loop.write_text(LOOP)

    def forbid(self, *places: Path) -> None:
        """Let nothing be made there, by root either."""
        for place in places:
            if place == self.package:
                (place / "__pycache__").touch()
            else:
                place.rmdir()
                place.touch()

    def compilations(self, module: str = "loop", answer: int = 7) -> int:
        """How often a new process would compile: import the modules, call a loop, and count."""
        for name in ("loop", "caller", "above"):
            sys.modules.pop(name, None)
        with event.install_recorder("numba:compile") as recorder:
            assert import_module(module).total(np.arange(4, dtype=np.int32), 1) == answer
        return sum(each.is_start for _, each in recorder.buffer)


def code_in(place: Path) -> list[Path]:
    return [path for path in place.rglob("*.nbc") if path.is_file()]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setenv("HOME", str(made.home))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(made.temporary))
    monkeypatch.setattr(config, "CACHE_DIR", "")
    monkeypatch.syspath_prepend(str(made.package))
    return made


def test_it_lies_beside_the_module(machine: Machine) -> None:
    assert machine.compilations() == 1
    assert machine.compilations() == 0
    assert code_in(machine.package / "__pycache__")
    assert not code_in(machine.home)
    assert not list(machine.temporary.iterdir())


def test_else_in_a_directory_of_the_user(machine: Machine) -> None:
    machine.forbid(machine.package)
    assert machine.compilations() == 1
    assert machine.compilations() == 0
    assert code_in(machine.home / ".cache" / "rtt2vec")
    assert not list(machine.temporary.iterdir())


def test_else_in_the_temporary_directory_where_only_the_user_can_write(machine: Machine) -> None:
    machine.forbid(machine.package, machine.home)
    assert machine.compilations() == 1
    assert machine.compilations() == 0
    (own,) = machine.temporary.iterdir()
    assert own.stat().st_mode & 0o777 == 0o700
    assert code_in(own)


def test_else_nowhere(machine: Machine) -> None:
    machine.forbid(machine.package, machine.home, machine.temporary)
    assert machine.compilations() == 1
    assert machine.compilations() == 1


def test_a_user_without_a_home_needs_none(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown() -> NoReturn:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", unknown)
    machine.forbid(machine.package)
    assert machine.compilations() == 1
    assert machine.compilations() == 0


def test_the_operator_may_name_a_directory(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "named"))
    assert machine.compilations() == 1
    assert machine.compilations() == 0
    assert code_in(tmp_path / "named")
    assert not code_in(machine.package)


def test_what_ships_with_a_package_that_cannot_be_written_is_read(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    assert machine.compilations() == 1
    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)  # by which Numba tries a directory
    monkeypatch.setattr(os, "replace", refuse)
    assert machine.compilations() == 0


def test_a_full_disk_fails_no_call(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    assert machine.compilations() == 1
    assert machine.compilations() == 1


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o722])
def test_code_is_not_read_where_others_can_write(machine: Machine, mode: int) -> None:
    machine.forbid(machine.package, machine.home)
    assert machine.compilations() == 1
    (own,) = machine.temporary.iterdir()
    own.chmod(mode)
    assert machine.compilations() == 1


def test_a_link_in_the_place_of_the_directory_is_not_followed(machine: Machine) -> None:
    machine.forbid(machine.package, machine.home)
    assert machine.compilations() == 1
    (own,) = machine.temporary.iterdir()
    own.rename(machine.package / "elsewhere")
    own.symlink_to(machine.package / "elsewhere")
    assert machine.compilations() == 1


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize("length", [0, 20])
def test_files_that_were_cut_short_are_written_anew(
    machine: Machine, suffix: str, length: int
) -> None:
    assert machine.compilations() == 1
    (file,) = machine.package.rglob(f"*{suffix}")
    os.truncate(file, length)
    assert machine.compilations() == 1
    assert machine.compilations() == 0


def test_a_change_of_a_loop_in_another_file_is_noticed(machine: Machine) -> None:
    (machine.package / "caller.py").write_text(CALLER)
    assert machine.compilations("caller", answer=14) == 2
    assert machine.compilations("caller", answer=14) == 0
    machine.loop.write_text(LOOP.replace("start += number", "start += 2 * number"))
    assert machine.compilations("caller", answer=26) == 2


def test_so_is_one_that_is_called_by_way_of_a_third_file(machine: Machine) -> None:
    (machine.package / "caller.py").write_text(CALLER)
    above = CALLER.replace("from loop", "from caller")
    (machine.package / "above.py").write_text(above)
    assert machine.compilations("above", answer=28) == 3
    assert machine.compilations("above", answer=28) == 0
    machine.loop.write_text(LOOP.replace("start += number", "start += 2 * number"))
    assert machine.compilations("above", answer=52) == 3
