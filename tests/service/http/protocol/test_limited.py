"""What a connection may send: heads, trailers, and requests before their turn."""

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from service.http.protocol.limited import HEAD_LIMIT_BYTES
from tests.service.http.protocol.conftest import Server, answer, rest, serving

TOO_LONG = b"x" * HEAD_LIMIT_BYTES
PIECE = 4096
CHUNKED = b"POST /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n"
GET = b"GET /a HTTP/1.1\r\nhost: a\r\n\r\n"
WAIT = GET.replace(b"/a", b"/wait")


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def connection(server: Server) -> Iterator[socket.socket]:
    with closing(server.connect()) as connection:
        yield connection


def flood(connection: socket.socket, piece: bytes, pieces: int) -> None:
    """Send a piece many times, or until the server closes the connection."""
    try:
        for _ in range(pieces):
            connection.sendall(piece)
    except (BrokenPipeError, ConnectionResetError):
        return


@pytest.mark.parametrize(
    "head",
    [
        b"GET /a HTTP/1.1\r\nhost: a\r\nx-long: %b\r\n\r\n" % TOO_LONG,
        b"GET /a?%b HTTP/1.1\r\nhost: a\r\n\r\n" % TOO_LONG,
        b"GET /a HTTP/1.1\r\nhost: a\r\n" + b"x-many: x\r\n" * 2000 + b"\r\n",
        GET + b"GET /a HTTP/1.1\r\nhost: a\r\nx-long: %b\r\n\r\n" % TOO_LONG,
    ],
)
def test_a_long_head_in_one_piece(connection: socket.socket, head: bytes) -> None:
    connection.sendall(head)
    if head.startswith(GET):
        assert answer(connection).status == 200
    assert not rest(connection).startswith(b"HTTP/1.1 200 ")


def test_the_answer_to_a_head_that_is_too_long(connection: socket.socket) -> None:
    connection.sendall(b"GET /a HTTP/1.1\r\nhost: a\r\nx-long: %b\r\n\r\n" % TOO_LONG)
    assert answer(connection).status == 431


@pytest.mark.parametrize("start", [b"GET /a HTTP/1.1\r\nhost: a\r\nx-long: ", GET + b"GET /"])
def test_a_head_without_end(connection: socket.socket, start: bytes) -> None:
    connection.sendall(start)
    if start.startswith(GET):
        assert answer(connection).status == 200
    flood(connection, b"x" * PIECE, HEAD_LIMIT_BYTES // PIECE + 1)
    assert answer(connection).status == 431


def test_blank_lines_without_end(connection: socket.socket) -> None:
    flood(connection, b"\r\n" * PIECE, HEAD_LIMIT_BYTES)
    assert rest(connection).count(b"HTTP/1.1") <= 1


def test_what_follows_a_head_is_not_counted(connection: socket.socket) -> None:
    body = b"{}" + b" " * (HEAD_LIMIT_BYTES * 3)
    request = b"POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n%b\r\n%b"
    connection.sendall(request % (len(body), b"", body))
    connection.sendall(request % (len(body), b"connection: close\r\n", body))
    assert rest(connection).count(b"HTTP/1.1 200 ") == 2


def test_chunks_are_not_counted_either(connection: socket.socket) -> None:
    start = CHUNKED.removesuffix(b"2\r\n{}\r\n")
    connection.sendall(start + b"1\r\nx\r\n" * HEAD_LIMIT_BYTES + b"0\r\n\r\n")
    assert answer(connection).body == b"/a %d" % HEAD_LIMIT_BYTES
    connection.sendall(GET)
    assert answer(connection).body == b"/a 0"


@pytest.mark.parametrize("pieces", [1, 2])
def test_trailers_are_no_headers(server: Server, connection: socket.socket, pieces: int) -> None:
    parts = [CHUNKED, b"0\r\nauthorization: Bearer x\r\nexpect: 100-continue\r\n\r\n"]
    for part in [b"".join(parts)] if pieces == 1 else parts:
        connection.sendall(part)
    assert answer(connection).body == b"/a 2"
    connection.sendall(GET)
    assert answer(connection).body == b"/a 0"
    assert server.headers == [["host", "transfer-encoding"], ["host"]]


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        pytest.param(b"0\r\n", b"x-many: x\r\n" * 400, id="many trailers"),
        pytest.param(b"0\r\nx-long: ", b"x" * PIECE, id="one trailer"),
        pytest.param(b"0\r\nx", b"x" * PIECE, id="the name of a trailer"),
        pytest.param(b"2;x=", b"x" * PIECE, id="an extension of a chunk"),
        pytest.param(b"0" * PIECE, b"0" * PIECE, id="the size of a chunk"),
    ],
)
@pytest.mark.parametrize("path", [b"/a", b"/wait", b"/nowhere/at/all"])
def test_what_is_neither_head_nor_body_has_the_same_limit(
    connection: socket.socket, path: bytes, start: bytes, piece: bytes
) -> None:
    connection.sendall(CHUNKED.replace(b"/a", path) + start)
    flood(connection, piece, 4 * HEAD_LIMIT_BYTES // len(piece))
    received = rest(connection)
    assert b"HTTP/1.1 200" not in received
    if path != b"/nowhere/at/all":  # which is answered before
        assert received.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 ", b""))


@pytest.mark.parametrize("length", [b"content-length: 30", b"transfer-encoding: chunked"])
def test_a_body_after_an_upgrade_is_not_taken_for_a_request(
    server: Server, connection: socket.socket, length: bytes
) -> None:
    upgrade = b"connection: upgrade\r\nupgrade: h2c\r\n"
    connection.sendall(b"POST /a HTTP/1.1\r\nhost: a\r\n%b%b\r\n\r\n" % (upgrade, length))
    assert answer(connection).status == 400
    flood(connection, b"GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n", 1)
    assert rest(connection) == b""
    assert server.asked == []


def test_a_connection_is_closed_after_a_request_to_upgrade(
    server: Server, connection: socket.socket
) -> None:
    upgrade = b"connection: upgrade\r\nupgrade: h2c\r\n\r\n"
    connection.sendall(GET.removesuffix(b"\r\n") + upgrade + GET + GET)
    received = rest(connection)
    assert received.count(b"HTTP/1.1 200 ") == 1
    assert b"\r\nconnection: close\r\n" in received
    assert server.asked == ["/a"]


@pytest.mark.parametrize(
    "request_", [GET, b"POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}"]
)
def test_only_some_requests_may_wait_for_their_turn(request_: bytes) -> None:
    with serving() as server, closing(server.connect()) as connection:
        connection.sendall(WAIT + request_ * 100)
        server.arrived.wait()
        server.released.set()
        assert rest(connection).count(b"HTTP/1.1 200 ") == 17
        assert len(server.asked) == 17


def test_a_body_that_waits_for_its_turn_is_limited() -> None:
    with serving() as server, closing(server.connect()) as connection:
        connection.sendall(WAIT + b"POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n")
        flood(connection, b"x" * PIECE, 200)
        assert rest(connection) == b""


def test_a_body_that_is_no_longer_needed_is_not_read_to_its_end(connection: socket.socket) -> None:
    start = b"POST /not/there HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000000\r\n\r\n"
    connection.sendall(start)
    assert answer(connection).status == 404
    flood(connection, b"x" * 65536, 1000)
    assert rest(connection) == b""


@pytest.mark.parametrize(
    "invalid",
    [
        b"no HTTP\r\n\r\n",
        b"CONNECT a:80 HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nhost: a\r\n\r\n",
        CHUNKED.replace(b"2\r\n{}", b"-1"),
    ],
)
@pytest.mark.parametrize("before", [b"", GET])
def test_invalid_http_gets_400(connection: socket.socket, before: bytes, invalid: bytes) -> None:
    if before:
        connection.sendall(before)
        assert answer(connection).status == 200
    connection.sendall(invalid)
    assert answer(connection).status == 400


@pytest.mark.parametrize(
    "coding", [b"gzip, chunked", b"GZIP,chunked", b"a\r\ntransfer-encoding: chunked"]
)
@pytest.mark.parametrize("before", [b"", GET])
def test_a_coding_that_is_not_understood_gets_501(
    server: Server, connection: socket.socket, before: bytes, coding: bytes
) -> None:
    connection.sendall(before + CHUNKED.replace(b"chunked", coding) + GET)
    received = rest(connection)
    statuses = [line.split()[1] for line in received.splitlines() if line.startswith(b"HTTP/1.1")]
    assert statuses == ([b"200"] if before else [b"501"])  # or closed after the answer that is due
    assert len(server.asked) == len(statuses) - statuses.count(b"501")


@pytest.mark.parametrize("coding", [b"Chunked", b"chunked "])
def test_chunks_are_understood_however_they_are_written(
    connection: socket.socket, coding: bytes
) -> None:
    connection.sendall(CHUNKED.replace(b"chunked", coding) + b"0\r\n\r\n")
    assert answer(connection).status == 200


def test_invalid_http_after_a_request_gets_no_answer_before_it() -> None:
    with serving() as server, closing(server.connect()) as connection:
        connection.sendall(WAIT + b"no HTTP\r\n\r\n")
        server.arrived.wait()
        server.released.set()
        received = rest(connection)
    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.count(b"HTTP/1.1 ") == 1
