"""Mutation testing: change the code in many small ways, and see whether the tests notice.

`make mutants` makes mutants of three rooms with mutmut, notes which test reaches which function,
takes a sample of the mutants, and runs the tests that reach a mutant until one fails. It prints the
mutants that survive. (mutmut's own run needs all tests in one process, twice, before the first
mutant; that takes half of the time, and some tests do not bear it.)
"""

import argparse
import ast
import difflib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, NamedTuple

ROOT = Path(__file__).parents[1]
ROOMS = ("service/events", "service/http", "service/serving")

_TESTS = ("events", "http", "serving", "test_app.py")  # of tests/service
_SLOW = ("killed", "fuzz", "cli")  # in names of files that take a minute or need it
_NOTING = 0.5  # the most of all time in which tests are run without a mutant
_FILE_S = 120  # that a file of tests may take; slower ones are left out
_LONGEST_S = 20  # that the tests of one mutant take together; slower ones are left out
_PATIENCE = 3  # times what the tests take without a mutant, and then
_START_S = 10

_NONE = "stats"  # the name that has mutmut's functions report their calls, and no mutant awake
_REACHED = ".reached.json"  # suffix of the note beside a file of tests

_SERVER = get_context("forkserver")

Verdict = Literal["killed", "timeout", "survived", "not reached", "not run"]


@dataclass(frozen=True)
class Mutant:
    """A small change of one function of a module, under mutmut's name for it."""

    module: Path
    name: str

    @property
    def function(self) -> str:
        """The name of the function, without the number of the change."""
        return self.name.rpartition("__mutmut_")[0]


class Reach(NamedTuple):
    """What a test reaches.

    Attributes:
        seconds: that it takes, with what it prepares for later ones.
        functions: that it calls in its process.
    """

    seconds: float
    functions: frozenset[str]


def main() -> None:
    """Run a sample of the mutants for some minutes, and print those that survive."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("rooms", nargs="*", default=ROOMS, help="folders or modules to change")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    began, chance = time.monotonic(), random.Random(arguments.seed)
    noted_by, deadline = (began + part * 60 * arguments.minutes for part in (_NOTING, 1))
    with TemporaryDirectory(prefix="rtt2vec-mutants-") as directory:
        tree = Path(directory)
        _copy(tree)
        mutants = [each for module in _modules(arguments.rooms) for each in mutate(tree, module)]
        chance.shuffle(mutants)
        _serve(tree)
        with ThreadPoolExecutor(arguments.workers) as pool:
            chance.shuffle(files := quick_files())
            found = pool.map(partial(_reach, noted_by), files)
            reach = {test: each for tests in found for test, each in tests.items()}
            verdicts = list(pool.map(partial(_try, reach, deadline), mutants))
        _report(tree, dict(zip(mutants, verdicts, strict=True)))


def _serve(tree: Path) -> None:
    """Let processes begin in the tree, with the packages that all tests need already imported."""
    os.chdir(tree)
    os.environ["PYTHONPATH"] = str(tree)
    sys.path.insert(0, str(tree))
    _SERVER.set_forkserver_preload(
        ["pytest", "httpx", "hypothesis", "index_builder.bundle.contents", "service.app"]
    )


def _copy(tree: Path) -> None:
    """Copy the files of the repository, as they are now."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.check_output(command, cwd=ROOT, text=True).rstrip("\0").split("\0")
    compiled = [str(path.relative_to(ROOT)) for path in (ROOT / "service").rglob("*.nb[ci]")]
    for name in listed + compiled:
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)


def _modules(rooms: Sequence[str]) -> Iterator[Path]:
    for room in rooms:
        path = ROOT / room
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        yield from (file.relative_to(ROOT) for file in files)


def mutate(tree: Path, module: Path) -> list[Mutant]:
    """Put the mutants of a module into its file, dormant; the environment wakes one of them.

    Changes of letter case alone are left out: few of them change anything but a message.
    """
    from mutmut.mutation.file_mutation import mutate_file_contents

    mutated = mutate_file_contents(str(module), (tree / module).read_text())
    (tree / module).write_text(mutated.code)
    dotted = ".".join(module.with_suffix("").parts).removesuffix(".__init__")
    found = [Mutant(module, f"{dotted}.{name}") for name in mutated.mutant_names]
    texts = _functions(tree, module)
    return [each for each in found if len({text.lower() for text in _change(texts, each)}) == 2]


def _functions(tree: Path, module: Path) -> dict[str, str]:
    """The text of each function of a module, by its name; mutants have the name of their own."""
    texts = {}
    for node in ast.walk(ast.parse((tree / module).read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            name, node.name = node.name, node.name.rpartition("__mutmut_")[0]
            texts[name] = ast.unparse(node)
    return texts


def _change(texts: Mapping[str, str], mutant: Mutant) -> tuple[str, str]:
    """A mutant's function before and after the change."""
    original = mutant.function.rpartition(".")[2] + "__mutmut_orig"
    return texts[original], texts[mutant.name.rpartition(".")[2]]


def quick_files() -> list[str]:
    """The files of tests that may be run."""
    roots = [ROOT / "tests" / "service" / name for name in _TESTS]
    found = [
        path
        for root in roots
        for path in (root.rglob("test_*.py") if root.is_dir() else [root])
        if not any(word in path.stem for word in _SLOW)
    ]
    return sorted(str(path.relative_to(ROOT)) for path in found)


def _reach(deadline: float, tests: str) -> dict[str, Reach]:
    """Run the tests of a file without a mutant, and return the reach of each by its name."""
    left_s = deadline - time.monotonic()
    passed = _passes([tests], _NONE, min(_FILE_S, left_s)) if left_s > 0 else None
    if not passed:
        why = "take too long" if passed is None else "fail without a mutant"
        print(f"not used, since they {why}: {tests}", flush=True)
        return {}
    noted = json.loads(Path(tests).with_suffix(_REACHED).read_text())
    return {test: Reach(seconds, frozenset(names)) for test, (seconds, names) in noted.items()}


def reaching(mutant: Mutant, reach: Mapping[str, Reach]) -> list[str]:
    """The tests that reach the function of a mutant, within the limit of time.

    Those in files named like the module come first, then the quick ones.
    """
    found = [
        (mutant.module.stem not in Path(name.partition("::")[0]).stem, each.seconds, name)
        for name, each in reach.items()
        if mutant.function in each.functions
    ]
    total, chosen = 0.0, []
    for _, seconds, name in sorted(found):
        if total + seconds <= _LONGEST_S:
            total += seconds
            chosen.append(name)
    return chosen


def _try(reach: Mapping[str, Reach], deadline: float, mutant: Mutant) -> Verdict:
    tests = reaching(mutant, reach)
    if not tests:
        return "not reached"
    usual_s = sum(reach[name].seconds for name in tests)
    patience_s, left_s = _PATIENCE * usual_s + _START_S, deadline - time.monotonic()
    if left_s < usual_s:
        return "not run"
    passed = _passes(tests, mutant.name, min(patience_s, left_s))
    if passed is None:
        return "timeout" if patience_s <= left_s else "not run"
    return "survived" if passed else "killed"


def _passes(tests: list[str], mutant: str, timeout_s: float) -> bool | None:
    """Whether tests pass while a mutant is awake; None if they do not end."""
    process = _SERVER.Process(target=_run_tests, args=(tests, mutant))
    process.start()
    process.join(timeout_s)
    ended = process.exitcode
    process.kill()  # It may not lead a group yet.
    with suppress(ProcessLookupError):
        os.killpg(process.pid or 0, signal.SIGKILL)  # its servers as well
    process.join()
    return None if ended is None else ended == 0


def _run_tests(tests: list[str], mutant: str) -> None:
    """Run tests in a process of their own, which leads a group; note what each test reaches."""
    import pytest
    from mutmut.mutation import trampoline

    os.setsid()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    note, notes = Path(tests[0]).with_suffix(_REACHED).resolve(), _Notes()
    vars(trampoline)["record_trampoline_hit"] = lambda name, **_: notes.functions.add(name)
    os.environ["MUTANT_UNDER_TEST"] = mutant
    options = ["-x", "-q", "-p", "no:cacheprovider"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # hypothesis was imported before
    status = pytest.main([*options, *tests], [notes] if mutant == _NONE else [])
    if mutant == _NONE:
        note.write_text(json.dumps(notes.reach))
    sys.exit(status)


class _Notes:
    """Notes for each test what it reaches; a plugin of pytest."""

    def __init__(self) -> None:
        self.functions: set[str] = set()
        self.reach: dict[str, tuple[float, list[str]]] = {}

    def pytest_runtest_logstart(self) -> None:
        self.functions.clear()
        self._began = time.monotonic()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.reach[nodeid] = (time.monotonic() - self._began, sorted(self.functions))


def _report(tree: Path, verdicts: dict[Mutant, Verdict]) -> None:
    """Print a line for each module, and each survivor."""
    modules = sorted({mutant.module for mutant in verdicts})
    for mutant, verdict in sorted(verdicts.items(), key=lambda pair: pair[0].name):
        if verdict == "survived":
            print(f"\n{mutant.name}\n{change(tree, mutant)}")
    print()
    for module in modules:
        found = Counter(verdict for mutant, verdict in verdicts.items() if mutant.module == module)
        tried = found["killed"] + found["timeout"] + found["survived"]
        print(
            f"{found['survived']:3} of {tried:3} survived, "
            f"{found['not reached']:3} not reached  {module}"
        )
    total = Counter(verdicts.values())
    print(", ".join(f"{verdict}: {count}" for verdict, count in sorted(total.items())))


def change(tree: Path, mutant: Mutant) -> str:
    """The lines that a mutant changes."""
    before, after = _change(_functions(tree, mutant.module), mutant)
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return "\n".join(line for line in list(lines)[2:] if not line.startswith("@@"))


if __name__ == "__main__":
    main()
