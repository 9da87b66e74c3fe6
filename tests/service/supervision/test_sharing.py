"""Workers share the connections that clients keep open."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from tests.service.conftest import Served

CLIENTS = 16
MOST_ROUNDS = 5000
ESTABLISHED = "01"


@pytest.fixture
def clients() -> Iterator[list[httpx.Client]]:
    """Clients that keep a connection each."""
    with ExitStack() as running:
        yield [running.enter_context(httpx.Client()) for _ in range(CLIENTS)]


def connections(served: Served) -> list[int]:
    """How many connections to the service each worker has."""
    _, port = served.address
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ours = {
        f"socket:[{line[9]}]"
        for line in lines
        if line[3] == ESTABLISHED and int(line[1].rpartition(":")[2], 16) == port
    }
    return [len(ours & set(files(worker))) for worker in served.workers]


def files(worker: int) -> Iterator[str]:
    for link in Path(f"/proc/{worker}/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            yield str(link.readlink())


def ask_until_shared(served: Served, clients: list[httpx.Client]) -> None:
    """Have each client ask again and again, until each worker has its share of connections."""
    for _ in range(MOST_ROUNDS):
        for client in clients:
            with suppress(httpx.TransportError):  # its worker was killed
                answer = client.post(f"{served.url}/recommend", json={})
                assert answer.status_code == 200
        found = connections(served)
        if len(found) == 2 and all(abs(each - CLIENTS / 2) <= 0.2 * CLIENTS / 2 for each in found):
            return
    pytest.fail(f"after {MOST_ROUNDS} rounds the workers have {found} connections")


def test_a_worker_that_comes_gets_its_share(
    serve: Callable[..., Served], clients: list[httpx.Client]
) -> None:
    served = serve("--workers", "2")
    ask_until_shared(served, clients)
    os.kill(served.workers[0], signal.SIGKILL)
    ask_until_shared(served, clients)
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(timeout=30) == 0


def test_one_that_hangs_is_not_waited_for(serve: Callable[..., Served]) -> None:
    served = serve("--workers", "2")
    served.await_workers(2)
    stopped = served.workers[0]
    os.kill(stopped, signal.SIGSTOP)
    with ExitStack() as running:
        running.callback(os.kill, stopped, signal.SIGCONT)
        for _ in range(4):  # after the first one it is the turn of the worker that hangs
            connection = running.enter_context(socket.create_connection(served.address))
            connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
