"""The limit of open files, in processes that have another one."""

import subprocess
import sys

import pytest

CODE = "from service.support.open_files import room_for_connections as r; print(r(1000), r(50))"


@pytest.mark.parametrize(
    ("limits", "room"),
    [
        ("ulimit -n 300", "100 50"),
        ("ulimit -n 150", "1 1"),
        ("ulimit -Sn 300; ulimit -Hn 1000", "800 50"),
        ("ulimit -Sn 300; ulimit -Hn 2000", "1000 50"),
    ],
)
def test_no_more_connections_than_the_system_allows(limits: str, room: str) -> None:
    script = f"{limits}; exec {sys.executable} -c '{CODE}'"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == room
