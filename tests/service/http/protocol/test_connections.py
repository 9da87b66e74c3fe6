"""All connections of a worker together: their number, and what they make it keep in memory."""

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.service.conftest import Served
from tests.service.http.protocol.conftest import answer, rest, serving

GET = b"GET /a HTTP/1.1\r\nhost: a\r\n\r\n"
WAIT = GET.replace(b"/a", b"/wait")
POST = (
    b"POST %b HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
)
CLIENTS = 200
MIB = 1 << 20


def test_beyond_the_limit_the_connection_that_was_idle_longest_is_closed() -> None:
    with serving(connection_limit=3) as server, ExitStack() as opened:
        first, second, third = (opened.enter_context(closing(server.connect())) for _ in range(3))
        for connection in (first, second, third, first):
            connection.sendall(GET)
            assert answer(connection).status == 200
        fourth = opened.enter_context(closing(server.connect()))
        assert rest(second) == b""
        for connection in (first, third, fourth):
            connection.sendall(GET)
            assert answer(connection).status == 200
        assert server.cut == ["connections"]


def test_a_connection_whose_request_is_being_answered_is_kept() -> None:
    with serving(connection_limit=2) as server, ExitStack() as opened:
        waiting = opened.enter_context(closing(server.connect()))
        waiting.sendall(WAIT)
        server.arrived.wait()
        unfinished = opened.enter_context(closing(server.connect()))
        unfinished.sendall(GET[:9])
        others = [opened.enter_context(closing(server.connect())) for _ in range(5)]
        others[-1].sendall(GET)
        assert answer(others[-1]).status == 200
        for each in others[:-1]:
            assert rest(each) == b""
        assert answer(unfinished).status == 408
        server.released.set()
        assert answer(waiting).status == 200


def test_beyond_the_limit_of_bytes_the_oldest_unfinished_request_is_cut_off() -> None:
    with serving(unfinished_limit_bytes=10_000) as server, ExitStack() as opened:
        body = b"x" * 4000
        first, second, third = (opened.enter_context(closing(server.connect())) for _ in range(3))
        for connection in (first, second, third):
            connection.sendall(POST % (b"/a", 4001) + body)
        assert answer(first).status == 408
        for connection in (second, third):  # which have room now, and are answered
            connection.sendall(b"x")
            assert answer(connection).body == b"/a 4001"
        assert server.cut == ["bytes"]
        for connection in (second, third):
            connection.sendall(POST % (b"/a", 4000) + body)
            assert answer(connection).body == b"/a 4000"
        assert server.cut == ["bytes"]


def test_a_new_caller_does_not_wait_for_what_others_have_sent_ahead() -> None:
    with serving() as server, ExitStack() as opened:
        blocking = opened.enter_context(closing(server.connect()))
        ahead = [opened.enter_context(closing(server.connect())) for _ in range(20)]
        for connection in (blocking, *ahead):
            connection.sendall(GET)
            assert answer(connection).status == 200
        blocking.sendall(GET.replace(b"/a", b"/block"))
        server.arrived.wait()
        server.asked.clear()
        last = GET.replace(b"host", b"connection: close\r\nhost")
        for connection in ahead:
            connection.sendall(GET * 15 + last)
        new = opened.enter_context(closing(server.connect()))
        new.sendall(GET.replace(b"/a", b"/new"))
        server.released.set()
        assert answer(new).status == 200
        for connection in ahead:
            assert rest(connection).count(b"HTTP/1.1 200 OK") == 16
        # The first request of each, and a few more while the new connection was accepted and read.
        assert server.asked.index("/new") < 30
        assert len(server.asked) == 20 * 16 + 1


def resident_mib(served: Served) -> float:
    """The memory that the server's process has in use, once it has answered a few requests."""
    for path in ("/recommend", "/events"):
        httpx.post(f"{served.url}{path}", json={})
    httpx.get(f"{served.url}/openapi.json")
    status = Path(f"/proc/{served.process.pid}/status").read_text()
    (kib,) = re.findall(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
    return int(kib) / 1024


@contextmanager
def clients(served: Served) -> Iterator[list[socket.socket]]:
    """Many connections that take in little at once, and have sent nothing yet."""
    with ExitStack() as opened:
        connections = []
        for _ in range(CLIENTS):
            connection = opened.enter_context(closing(socket.socket()))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(served.address)
            connections.append(connection)
        yield connections


def send(connection: socket.socket, data: bytes) -> None:
    """Send all of it, unless the server closes the connection or stops reading."""
    connection.settimeout(0.05)
    try:
        connection.sendall(data)
    except (TimeoutError, ConnectionError):
        return


def test_unfinished_bodies_take_a_bounded_amount_of_memory(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    served = serve("--events", str(tmp_path), "--unfinished-limit-bytes", str(8 * MIB))
    before = resident_mib(served)
    for _ in range(3):
        with clients(served) as connections:
            for connection in connections:
                send(connection, POST % (b"/events", MIB) + b" " * (MIB - 1))
            assert httpx.get(f"{served.url}/health/live").status_code == 200
            assert resident_mib(served) - before < 100  # 200 were sent each time
    assert "rtt2vec_cut_connections_total" in httpx.get(f"{served.url}/metrics").text


@pytest.mark.parametrize(
    "asked",
    [
        b"GET /openapi.json HTTP/1.1\r\nhost: a\r\n\r\n",
        POST % (b"/recommend", 13) + b'{"k":    100}',
        POST % (b"/not/there", 10) + b"x" * 10,
    ],
)
def test_clients_that_never_read_take_a_bounded_amount_of_memory(
    serve: Callable[..., Served], asked: bytes
) -> None:
    served = serve()
    before = resident_mib(served)
    with clients(served) as connections:
        for connection in connections:
            send(connection, asked * (2 * MIB // len(asked)))
        assert httpx.get(f"{served.url}/health/live").status_code == 200
        assert resident_mib(served) - before < 100  # of 400 MiB of requests
