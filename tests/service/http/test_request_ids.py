"""Ids that the service gives to requests: no two of them are the same, in any process."""

import re
import subprocess
import sys

from service.http.middleware import SAFE_ID, new_id

# Two processes, of which one is a copy of the other that has prepared ids.
FORKS = """
import os
from service.http.middleware import new_id

ids = [new_id()]
child = os.fork()
ids += [new_id() for _ in range(300)]
if child:
    os.waitpid(child, 0)
os.write(1, b"".join(each + b"\\n" for each in ids[bool(child):]))
"""


def test_they_are_random_and_safe() -> None:
    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert all(re.fullmatch(SAFE_ID, each) and len(each) == 32 for each in ids)
    assert len({each[:16] for each in ids}) == 1000
    assert len({each[-16:] for each in ids}) == 1000


def test_a_copy_of_a_process_gives_others() -> None:
    done = subprocess.run([sys.executable, "-c", FORKS], capture_output=True, check=True)
    ids = done.stdout.split()
    assert len(set(ids)) == len(ids) == 601
