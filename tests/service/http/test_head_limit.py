"""Heads that are too long are refused, in one piece or in several."""

import socket

import pytest

from service.http.head_limit import HEAD_LIMIT_BYTES
from tests.service.conftest import Served

TOO_LONG = b"x" * HEAD_LIMIT_BYTES
PIECE = 4096


def answer(connection: socket.socket) -> bytes:
    """Everything the service sends until it closes the connection."""
    received = b""
    while piece := connection.recv(65536):
        received += piece
    return received


@pytest.mark.parametrize(
    "head",
    [
        b"GET /health/live HTTP/1.1\r\nhost: a\r\nx-long: %b\r\n\r\n" % TOO_LONG,
        b"GET /health/live?%b HTTP/1.1\r\nhost: a\r\n\r\n" % TOO_LONG,
        b"GET /health/live HTTP/1.1\r\nhost: a\r\n" + b"x-many: x\r\n" * 2000 + b"\r\n",
    ],
)
def test_a_long_head_in_one_piece(served: Served, head: bytes) -> None:
    with socket.create_connection(served.address) as connection:
        connection.sendall(head)
        assert answer(connection).startswith(b"HTTP/1.1 431 ")


def test_a_head_without_end(served: Served) -> None:
    with socket.create_connection(served.address) as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nhost: a\r\nx-long: ")
        for _ in range(HEAD_LIMIT_BYTES // PIECE):
            connection.sendall(b"x" * PIECE)
        assert answer(connection).startswith(b"HTTP/1.1 431 ")


def test_what_follows_a_head_is_not_counted(served: Served) -> None:
    body = b"{}" + b" " * (HEAD_LIMIT_BYTES * 3)
    request = (
        b"POST /recommend HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
        b"content-length: %d\r\n%b\r\n%b"
    )
    with socket.create_connection(served.address) as connection:
        connection.sendall(request % (len(body), b"", body))
        connection.sendall(request % (len(body), b"connection: close\r\n", body))
        assert answer(connection).count(b"HTTP/1.1 200 ") == 2


def test_invalid_http_gets_400(served: Served) -> None:
    with socket.create_connection(served.address) as connection:
        connection.sendall(b"no HTTP\r\n\r\n")
        assert answer(connection).startswith(b"HTTP/1.1 400 ")
