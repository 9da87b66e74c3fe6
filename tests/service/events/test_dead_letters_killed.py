"""Dead letters survive kill -9 of their writers: every line is whole, and none is lost.

Run as a module, this file is the writer that gets killed.
"""

import json
import os
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

import numpy as np

from service.events.dead_letters import DeadLetter, DeadLetters
from service.events.journal import Journal

KILLS = 25
SIZE = 1 << 21  # of a letter, so that many kills hit a write


def test_lines_after_kills_at_any_time(tmp_path: Path) -> None:
    moments = np.random.default_rng(5)
    acknowledged: list[str] = []
    for run in range(KILLS):
        command = [sys.executable, "-m", "tests.service.events.test_dead_letters_killed"]
        with subprocess.Popen(
            [*command, str(tmp_path), str(run)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            acknowledged.append(writer.stdout.readline().strip())
            time.sleep(moments.uniform(0, 0.05))
            writer.kill()
            acknowledged += writer.stdout.read().split()
    journal = Journal(tmp_path)
    DeadLetters(tmp_path / "letters.jsonl", journal, 1 << 40, 1).write([letter("last")])
    journal.close()
    lines = (tmp_path / "letters.jsonl").read_text().splitlines()
    found = {json.loads(line)["reason"] for line in lines}
    assert found >= {*acknowledged, "last"}


def letter(name: str) -> DeadLetter:
    return DeadLetter("http", name, b"x" * SIZE)


def write_until_killed(directory: Path, run: str) -> None:
    letters = DeadLetters(directory / "letters.jsonl", Journal(directory), 1 << 40, 1)
    for number in count():
        name = f"{run}-{number}"
        letters.write([letter(name)])
        os.write(1, f"{name}\n".encode())


if __name__ == "__main__":
    write_until_killed(Path(sys.argv[1]), sys.argv[2])
