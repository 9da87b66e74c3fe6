"""Kill the writer at any moment: the last good bundle stays current and loadable.

Run as a script, this file is the writer that gets killed.
"""

import os
import runpy
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from service.bundle.bundle import BundleContents, load_bundle, write_bundle

DATA = Path(__file__).parents[2] / "data"
tiny_contents: Callable[..., BundleContents] = runpy.run_path(str(DATA / "tiny_bundle.py"))[
    "tiny_contents"
]
STEPS = {"open", "fcntl.flock", "os.listdir", "os.mkdir", "os.remove", "os.rename", "os.rmdir"}
STEPS |= {"os.scandir", "os.symlink", "shutil.rmtree"}
OLD, NEW, NEXT = 1, 2, 3


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A directory that holds one good bundle."""
    write_bundle(tmp_path / "good", tiny_contents(seed=OLD))
    return tmp_path / "good"


def run(*arguments: object) -> None:
    subprocess.run([sys.executable, __file__, *map(str, arguments)], check=True, timeout=300)


def current_after_death(out: Path) -> str:
    """Return the id of the bundle that survived, having seen that the next build works."""
    survivor = load_bundle(out).bundle_id
    write_bundle(out, tiny_contents(seed=NEXT))
    assert load_bundle(out).manifest.build["seed"] == NEXT
    for path in out.iterdir():
        assert path.name == "current" or load_bundle(path)
    return survivor


def test_killed_before_every_step_on_the_file_system(tmp_path: Path, good: Path) -> None:
    run("every-step", good, tmp_path / "died")
    died = sorted((tmp_path / "died").iterdir(), key=lambda path: int(path.name))
    survivors = [current_after_death(out) for out in died]
    old, new = load_bundle(good).bundle_id, write_bundle(tmp_path, tiny_contents(seed=NEW)).name
    assert survivors[0] == new  # written before any was killed
    assert survivors[1:] == sorted(survivors[1:], key=[old, new].index)
    assert survivors.count(old) > 20


def test_killed_at_any_time(tmp_path: Path, good: Path) -> None:
    run("any-time", good, tmp_path / "died")
    ids = {write_bundle(tmp_path, tiny_contents(seed=seed)).name for seed in (OLD, NEW)}
    for out in (tmp_path / "died").iterdir():
        assert current_after_death(out) in ids


def test_builders_at_once_leave_each_other_alone(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, __file__, "ten", str(tmp_path), str(first)])
        for first in (0, 5, 100)  # two of them write some of the same bundles
    ]
    assert [writer.wait(timeout=300) for writer in writers] == [0, 0, 0]
    bundles = [path for path in tmp_path.iterdir() if path.name != "current"]
    seeds = {load_bundle(path).manifest.build["seed"] for path in bundles}
    assert seeds == {*range(15), *range(100, 110)}
    assert load_bundle(tmp_path).path in bundles


def die_at_every_step(good: Path, died: Path) -> None:
    """Write once more for each step, in a new process that dies before that step."""
    contents = tiny_contents(seed=NEW)
    write_bundle(died / "0", contents)  # the first write imports modules: steps of no interest
    for step in count(1):
        out = Path(shutil.copytree(good, died / str(step), symlinks=True))
        if not (child := os.fork()):
            kill_before(step)
            write_bundle(out, contents)
            os._exit(0)
        if os.waitpid(child, 0)[1] == 0:
            break


def kill_before(step: int) -> None:
    steps = count(1)

    def watch(event: str, _arguments: object) -> None:
        if event in STEPS and next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def die_at_any_time(good: Path, died: Path) -> None:
    """Kill 40 processes that write one bundle after the other, each at another moment."""
    contents = [tiny_contents(seed=seed) for seed in (OLD, NEW)]
    moments = np.random.default_rng(11)
    for trial in range(40):
        out = Path(shutil.copytree(good, died / str(trial), symlinks=True))
        started, starting = os.pipe()
        if not (child := os.fork()):
            os.write(starting, b"!")
            for turn in count(1):
                write_bundle(out, contents[turn % 2])
        os.read(started, 1)
        time.sleep(moments.uniform(0, 0.05))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def main(what: str, path: Path, more: str) -> None:
    if what == "every-step":
        die_at_every_step(path, Path(more))
    elif what == "any-time":
        die_at_any_time(path, Path(more))
    elif what == "ten":
        for seed in range(int(more), int(more) + 10):
            write_bundle(path, tiny_contents(seed=seed))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
