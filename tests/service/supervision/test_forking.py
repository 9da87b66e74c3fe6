"""Workers are forked from one process, which has imported what all of them need."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE, Popen

import httpx
import pytest

from bench.processes import parent
from tests.service.conftest import COMMAND, Served

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere workers are spawned")

BROKEN = "raise {error}('broken on purpose')"
HANGING = """
import time
from pathlib import Path
Path({begun!r}).touch()
while not Path({goes_on!r}).exists():
    time.sleep(0.05)
raise ImportError
"""


def runs(pid: int) -> bool:
    """Whether a process has not ended, whether or not anyone has waited for it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def anonymous_kib(pid: int, kind: str) -> int:
    """Written pages of a process, `Shared_Dirty` with others or `Private_Dirty`."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{kind}:"))


def test_workers_share_what_they_import(
    serve: Callable[..., Served], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("service", "numpy"):  # of somebody else, where the service happens to be started
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(BROKEN.format(error="RuntimeError"))
    monkeypatch.chdir(tmp_path)
    served = serve("--workers", "2")
    forking = parent(served.workers[0])
    assert forking not in (served.process.pid, os.getpid())
    assert [parent(each) for each in served.workers] == [forking] * 2
    assert len(list(Path(f"/proc/{forking}/task").iterdir())) == 1
    for worker in served.workers:
        assert anonymous_kib(worker, "Shared_Dirty") > anonymous_kib(worker, "Private_Dirty")


def test_no_two_requests_get_the_same_id(serve: Callable[..., Served]) -> None:
    served = serve("--workers", "2")
    served.await_workers(2)
    answers = [httpx.post(f"{served.url}/recommend", json={}) for _ in range(40)]
    assert len({answer.json()["request_id"] for answer in answers}) == 40


def test_workers_outlive_the_process_that_forked_them(serve: Callable[..., Served]) -> None:
    served = serve("--workers", "2")
    served.await_workers(2)
    first, second = served.workers
    forking = parent(first)
    os.kill(forking, signal.SIGKILL)
    os.kill(second, signal.SIGKILL)
    served.await_workers(3)
    (new,) = served.workers  # `first` has no parent among these any more
    assert parent(new) not in (forking, served.process.pid)
    assert httpx.get(f"{served.url}/health").json()["ready"]
    lines = httpx.get(f"{served.url}/metrics").text.splitlines()
    assert "rtt2vec_workers_ready 2.0" in lines
    assert runs(first)
    served.process.terminate()
    assert served.process.wait() == 0
    while runs(first):
        pass


@pytest.mark.parametrize("error", ["ImportError", "RuntimeError"])
def test_what_cannot_be_imported_is_told(
    bundle_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    (tmp_path / "fastapi.py").write_text(BROKEN.format(error=error))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    flags: list[str | Path] = ["--bundle", bundle_dir, "--port", "0", "--workers", "2"]
    with Popen([COMMAND, *flags], stderr=PIPE, text=True) as process:
        _, errors = process.communicate()
    assert process.returncode == 1
    assert f"{error}: broken on purpose" in errors


def test_a_process_that_ends_before_it_has_forked_is_told(
    bundle_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fastapi.py").write_text("import os\nos._exit(3)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    flags: list[str | Path] = ["--bundle", bundle_dir, "--port", "0", "--workers", "2"]
    with Popen([COMMAND, *flags], stderr=PIPE, text=True) as process:
        _, errors = process.communicate()
    assert process.returncode == 1
    assert "a worker cannot start: the process that forks workers has ended." in errors


def test_a_signal_ends_a_service_whose_imports_hang(
    bundle_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, goes_on = tmp_path / "begun", tmp_path / "goes on"
    code = HANGING.format(begun=str(begun), goes_on=str(goes_on))
    (tmp_path / "fastapi.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    flags: list[str | Path] = ["--bundle", bundle_dir, "--port", "0", "--workers", "2"]
    with Popen([COMMAND, *flags]) as process:
        while not begun.exists():
            assert process.poll() is None
        process.terminate()
        assert process.wait() == 0
    goes_on.touch()
