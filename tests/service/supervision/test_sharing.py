"""Workers share the connections that clients keep open."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import httpx
import pytest

from tests.service.conftest import Served
from tests.service.supervision.connections import connections_of, is_shared

CLIENTS = 16
MOST_ROUNDS = 5000


@pytest.fixture
def clients() -> Iterator[list[httpx.Client]]:
    """Clients that keep a connection each."""
    with ExitStack() as running:
        yield [running.enter_context(httpx.Client()) for _ in range(CLIENTS)]


def ask_until_shared(served: Served, clients: list[httpx.Client]) -> None:
    """Have each client ask again and again, until each worker has its share of connections."""
    for _ in range(MOST_ROUNDS):
        for client in clients:
            with suppress(httpx.TransportError):  # its worker was killed
                answer = client.post(f"{served.url}/recommend", json={})
                assert answer.status_code == 200
        found = connections_of(served)
        if sum(found) == CLIENTS and is_shared(found):
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
