"""Mutation testing: change the code in many small ways, and see whether the tests notice.

`make mutants` makes mutants of three rooms with mutmut, takes a sample, and runs the tests of its
module against each until one fails. Mutants that no test notices are printed. (mutmut's own run
would first need all tests in one process, twice, which takes longer than all of this.)
"""

import argparse
import ast
import difflib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

ROOT = Path(__file__).parents[1]
ROOMS = ("service/events", "service/http", "service/serving")

_SLOW = ("killed", "fuzz")  # in names of tests that kill processes or send thousands of requests
_LONGEST_S = 40  # that the tests of a module may take
_PATIENCE = 3  # times what the tests take without a mutant, and then
_START_S = 10

_SERVER = get_context("forkserver")

Verdict = Literal["killed", "timeout", "survived", "not run"]


@dataclass(frozen=True)
class Mutant:
    """A small change of one function of a module, under mutmut's name for it."""

    module: Path
    name: str


def main() -> None:
    """Run a sample of the mutants for some minutes, and print those that survive."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("rooms", nargs="*", default=ROOMS, help="folders or modules to change")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    deadline = time.monotonic() + 60 * arguments.minutes
    with TemporaryDirectory(prefix="rtt2vec-mutants-") as directory:
        tree = Path(directory)
        _copy(tree)
        mutants = [each for module in _modules(arguments.rooms) for each in mutate(tree, module)]
        random.Random(arguments.seed).shuffle(mutants)
        _serve(tree)
        with ThreadPoolExecutor(arguments.workers) as pool:
            selections = sorted({mirror_tests(each.module) for each in mutants})
            usual_s = dict(zip(selections, pool.map(_usual_s, selections), strict=True))
            verdicts = list(pool.map(partial(_try, usual_s, deadline), mutants))
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
    """Put all mutants of a module into its file, dormant; the environment wakes one of them."""
    from mutmut.mutation.file_mutation import mutate_file_contents

    mutated = mutate_file_contents(str(module), (tree / module).read_text())
    (tree / module).write_text(mutated.code)
    dotted = ".".join(module.with_suffix("").parts).removesuffix(".__init__")
    return [Mutant(module, f"{dotted}.{name}") for name in mutated.mutant_names]


@cache
def mirror_tests(module: Path) -> tuple[str, ...]:
    """The test files that mirror a module, else those that import it, else those of the app."""
    mirrored = ROOT / "tests" / module.parent
    files = sorted(mirrored.glob(f"test_{module.stem}*.py"))
    if not files:
        dotted = f"from {'.'.join(module.with_suffix('').parts)} import"
        everywhere = sorted((ROOT / "tests" / "service").rglob("test_*.py"))
        files = [file for file in everywhere if dotted in file.read_text()]
    quick = [file for file in files if not any(word in file.stem for word in _SLOW)]
    names = [str(file.relative_to(ROOT)) for file in quick]
    return tuple(names or ["tests/service/test_app.py"])


def _usual_s(tests: tuple[str, ...]) -> float | None:
    """How long these tests take without a mutant; None if they fail, or take too long."""
    began = time.monotonic()
    passed = _passes(tests, "", _LONGEST_S)
    if passed:
        return time.monotonic() - began
    why = "take too long" if passed is None else "fail without a mutant"
    print(f"not used, since they {why}: {' '.join(tests)}", flush=True)
    return None


def _try(usual_s: dict[tuple[str, ...], float | None], deadline: float, mutant: Mutant) -> Verdict:
    tests = mirror_tests(mutant.module)
    expected_s = usual_s[tests]
    if expected_s is None or time.monotonic() + expected_s > deadline:
        return "not run"
    patience_s = _PATIENCE * expected_s + _START_S
    left_s = deadline - time.monotonic()
    passed = _passes(tests, mutant.name, min(patience_s, left_s))
    if passed is None:
        return "timeout" if patience_s <= left_s else "not run"
    return "survived" if passed else "killed"


def _passes(tests: tuple[str, ...], mutant: str, timeout_s: float) -> bool | None:
    """Whether tests pass while a mutant is awake; None if they do not end."""
    process = _SERVER.Process(target=_run_tests, args=(tests, mutant))
    process.start()
    process.join(timeout_s)
    ended = process.exitcode
    with suppress(ProcessLookupError):
        os.killpg(process.pid or 0, signal.SIGKILL)  # its servers as well
    process.join()
    return None if ended is None else ended == 0


def _run_tests(tests: tuple[str, ...], mutant: str) -> None:
    """Run tests in a process of their own, which leads a group of processes."""
    import pytest

    os.setsid()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.environ["MUTANT_UNDER_TEST"] = mutant
    options = ["-x", "-q", "-p", "no:cacheprovider"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # hypothesis was imported before
    sys.exit(pytest.main([*options, *tests]))


def _report(tree: Path, verdicts: dict[Mutant, Verdict]) -> None:
    """Print a line for each module, and each survivor."""
    modules = sorted({mutant.module for mutant in verdicts})
    for mutant, verdict in sorted(verdicts.items(), key=lambda pair: pair[0].name):
        if verdict == "survived":
            print(f"\n{mutant.name}\n{change(tree, mutant)}")
    print()
    for module in modules:
        found = Counter(verdict for mutant, verdict in verdicts.items() if mutant.module == module)
        tried = found["killed"] + found["timeout"]
        print(f"{found['survived']:3} of {tried + found['survived']:3} survived  {module}")
    total = Counter(verdicts.values())
    print(", ".join(f"{verdict}: {count}" for verdict, count in sorted(total.items())))


def change(tree: Path, mutant: Mutant) -> str:
    """The lines that a mutant changes."""
    functions = {
        node.name: node
        for node in ast.walk(ast.parse((tree / mutant.module).read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    name = mutant.name.rpartition(".")[2]
    original = functions[name.rpartition("__mutmut_")[0] + "__mutmut_orig"]
    changed = functions[name]
    changed.name = original.name
    before, after = (ast.unparse(each).splitlines() for each in (original, changed))
    lines = list(difflib.unified_diff(before, after, n=0, lineterm=""))[2:]
    return "\n".join(line for line in lines if not line.startswith("@@"))


if __name__ == "__main__":
    main()
