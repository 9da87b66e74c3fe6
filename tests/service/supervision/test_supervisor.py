"""Workers that end, cannot start or hang, and what becomes of the service."""

import json
import os
import signal
import socket
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from bench.processes import children, family
from tests.service.conftest import ADMIN, Served

KEY = "a key of these tests, long enough to be one"
KEYS = f"""
[[keys]]
name = "a"
sha256 = "{sha256(KEY.encode()).hexdigest()}"
scopes = ["recommend"]
"""
HELD = (
    b"POST /recommend HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"
)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A file that each worker reads as it starts."""
    (path := tmp_path / "keys.toml").write_text(KEYS)
    return path


def kill_a_worker(served: Served) -> None:
    os.kill(served.workers[-1], signal.SIGKILL)


def samples(served: Served) -> dict[str, float]:
    """The metrics of all workers."""
    lines = httpx.get(f"{served.url}/metrics").raise_for_status().text.splitlines()
    return {
        name: float(value)
        for name, _, value in (line.rpartition(" ") for line in lines)
        if not name.startswith("#")
    }


def statuses(served: Served) -> Counter[int]:
    """The answers on thirty connections, each of which any worker may take."""
    headers = {"Authorization": f"Bearer {KEY}"}
    asked = (httpx.post(f"{served.url}/recommend", json={}, headers=headers) for _ in range(30))
    return Counter(answer.status_code for answer in asked)


def logged(served: Served, message: str) -> list[dict[str, str]]:
    """The lines whose message begins so; every line has to be JSON."""
    lines = [json.loads(line) for line in served.log.read_text().splitlines()]
    return [line for line in lines if line["message"].startswith(message)]


def test_the_others_go_on_while_a_worker_cannot_start(
    serve: Callable[..., Served], keys: Path
) -> None:
    served = serve("--workers", "2", "--api-keys", str(keys))
    served.await_workers(2)  # both have read the file
    keys.write_text("[[keys")
    kill_a_worker(served)  # which may be starting still: then its end is a failure, too
    served.await_logged("the next start of a worker is in 4 s", 1)
    waits = [line["message"] for line in logged(served, "the next start")[-3:]]
    assert [wait.split()[-2:] for wait in waits] == [["1", "s"], ["2", "s"], ["4", "s"]]
    assert statuses(served) == {200: 30}
    found = samples(served)
    assert (found["rtt2vec_workers_ready"], found["rtt2vec_workers"]) == (1, 2)
    assert found['rtt2vec_worker_failures_total{stage="starting"}'] >= 3
    assert "keys.toml" in logged(served, "the process cannot serve")[0]["message"]
    keys.write_text(KEYS)
    served.await_workers(3)
    while samples(served)["rtt2vec_workers_ready"] < 2:
        pass
    served.process.terminate()
    assert served.process.wait() == 0
    assert logged(served, "")  # to the last line


def test_the_exit_code_tells_that_a_worker_could_not_start(
    serve: Callable[..., Served], keys: Path
) -> None:
    served = serve("--workers", "2", "--api-keys", str(keys))
    served.await_workers(2)  # both have read the file
    keys.unlink()
    kill_a_worker(served)
    served.await_logged("a worker ended while", 2)  # it, and the one in its place
    served.process.terminate()
    assert served.process.wait() == 1


def test_all_workers_come_back_once_they_can_start(
    serve: Callable[..., Served], keys: Path
) -> None:
    served = serve("--workers", "2", "--api-keys", str(keys))
    served.await_workers(2)  # both have read the file
    keys.write_text("[[keys")
    for pid in served.workers:
        os.kill(pid, signal.SIGKILL)
    served.await_logged("the next start of a worker", 2)
    keys.write_text(KEYS)
    served.await_workers(4)
    assert statuses(served) == {200: 30}


def test_a_worker_that_hangs_is_replaced(serve: Callable[..., Served]) -> None:
    served = serve("--workers", "2")
    os.kill(served.workers[-1], signal.SIGSTOP)
    served.await_logged("a worker hangs", 1)
    served.await_workers(3)
    assert statuses(served) == {200: 30}


def test_workers_end_when_their_supervisor_is_killed(serve: Callable[..., Served]) -> None:
    served = serve("--workers", "2", "--drain-s", "600")
    _, *others = family(served.process.pid)
    served.process.kill()
    served.process.wait()
    while any(Path(f"/proc/{pid}").exists() for pid in others):
        pass
    socket.create_server(served.address).close()  # the port is free
    assert len(logged(served, "the supervisor is gone")) == 2


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("drain_s", ["0", "600"])
def test_a_second_signal_ends_it_at_once(
    serve: Callable[..., Served], workers: str, drain_s: str
) -> None:
    served = serve("--workers", workers, "--shutdown-grace-s", "600", "--drain-s", drain_s)
    with socket.create_connection(served.address) as connection:
        connection.sendall(HELD)
        assert connection.recv(4096).split()[1] == b"100"  # It is being answered.
        served.process.terminate()
        if drain_s == "0":
            served.await_logged("Shutting down", int(workers))
        served.process.send_signal(signal.SIGINT)
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait() == 1


def test_a_signal_to_the_whole_group_lets_requests_finish(serve: Callable[..., Served]) -> None:
    served = serve("--workers", "2", "--shutdown-grace-s", "600")
    with socket.create_connection(served.address) as connection:
        connection.sendall(HELD)
        assert connection.recv(4096).split()[1] == b"100"
        _, *others = family(served.process.pid)
        for pid in others:
            os.kill(pid, signal.SIGINT)
            os.kill(pid, signal.SIGTERM)
        served.process.terminate()
        served.await_logged("Shutting down", 2)
        connection.sendall(b"{}")
        assert connection.recv(4096).split()[1] == b"200"
    assert served.process.wait() == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_hanging_up_changes_nothing(serve: Callable[..., Served], workers: str) -> None:
    served = serve("--workers", workers)
    pids = [served.process.pid, *served.workers]
    for pid in pids:
        os.kill(pid, signal.SIGHUP)
    assert statuses(served) == {200: 30}
    assert [served.process.pid, *served.workers] == pids
    served.process.terminate()
    assert served.process.wait() == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_ends_beside_a_pipe_in_the_place_of_its_rules(
    serve: Callable[..., Served], tmp_path: Path, workers: str
) -> None:
    (rules := tmp_path / "rules.yaml").write_text("rules: []\n")
    served = serve("--workers", workers, "--rules", str(rules))
    rules.unlink()
    os.mkfifo(rules)
    served.await_logged("refused, the old ones stay in force", int(workers))
    health = httpx.get(f"{served.url}/health", headers=ADMIN).json()
    assert "not a regular file" in health["rules_refused"]
    served.process.terminate()
    assert served.process.wait() == 0


def test_a_worker_begins_with_the_rules_that_were_accepted(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    (rules := tmp_path / "rules.yaml").write_text("rules: []\n")
    served = serve("--workers", "2", "--rules", str(rules))
    served.await_workers(2)
    rules.write_text("rules: [")
    served.await_logged("refused, the old ones stay in force", 2)
    kill_a_worker(served)
    served.await_workers(3)
    assert statuses(served) == {200: 30}


def test_a_worker_without_a_bundle_leaves_the_requests_to_the_others(
    serve: Callable[..., Served], bundle_dir: Path, tmp_path: Path
) -> None:
    served = serve("--workers", "2")
    served.await_workers(2)
    bundle_dir.rename(away := tmp_path / "away")
    try:
        kill_a_worker(served)
        served.await_logged("refused: ", 2)  # by the survivor, and by the worker that starts
        assert statuses(served) == {200: 30}
        found = samples(served)
        assert (found["rtt2vec_ready"], found["rtt2vec_workers_ready"]) == (0, 1)
        os.kill(served.workers[0], signal.SIGKILL)
        served.await_logged("Application startup complete", 3)  # none of the two has a bundle
        assert statuses(served).keys() == {503}
    finally:
        away.rename(bundle_dir)
    served.await_workers(4)
    assert statuses(served) == {200: 30}
    assert children(served.process.pid)
