"""Clients that are too slow: their connections are closed, whatever they left unfinished."""

import socket
from collections.abc import Iterator
from contextlib import closing
from time import monotonic

import pytest

from tests.service.http.protocol.conftest import Server, answer, rest, serving

TIMEOUT_S = 0.5
GET = b"GET /a HTTP/1.1\r\nhost: a\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n"


@pytest.fixture(scope="module")
def patient() -> Iterator[Server]:
    """A server that waits for a second at most."""
    with serving(transfer_timeout_s=TIMEOUT_S, keep_alive_s=1) as server:
        yield server


@pytest.mark.parametrize("before", [b"", GET])
@pytest.mark.parametrize(
    "part",
    [
        pytest.param(GET[:5], id="half a line"),
        pytest.param(GET[:-2], id="half a head"),
        pytest.param(POST + b"{}", id="half a body"),
        pytest.param(b"POST /recommend HTTP/1.1\r\ncontent-length: 9\r\n\r\n", id="no body"),
        pytest.param(
            POST.replace(b"content-length: 10", b"transfer-encoding: chunked") + b"0\r\nx:",
            id="half a trailer",
        ),
    ],
)
def test_a_request_has_to_arrive(patient: Server, before: bytes, part: bytes) -> None:
    with closing(patient.connect()) as connection:
        if before:
            connection.sendall(before)
            assert answer(connection).status == 200
        connection.sendall(part)
        assert answer(connection).status == 408
        assert rest(connection) == b""
    assert "timeout" in patient.cut


def test_more_of_it_does_not_extend_the_time(patient: Server) -> None:
    with closing(patient.connect()) as connection:
        connection.settimeout(0.1)
        connection.sendall(POST.replace(b"10", b"1000"))
        for _ in range(1000):
            connection.sendall(b"x")
            try:
                if connection.recv(4096).startswith(b"HTTP/1.1 408 "):
                    return
            except TimeoutError:
                continue
    pytest.fail("it was waited for")


def test_the_rest_of_a_body_has_to_arrive_even_if_it_is_answered(patient: Server) -> None:
    with closing(patient.connect()) as connection:
        connection.sendall(POST.replace(b"/a", b"/not/there"))
        assert answer(connection).status == 404
        assert rest(connection) == b""


@pytest.mark.parametrize("sent", [b"", b"\r\n", GET])
def test_a_connection_that_is_not_used_is_closed(patient: Server, sent: bytes) -> None:
    with closing(patient.connect()) as connection:
        connection.sendall(sent)
        if sent == GET:
            assert answer(connection).status == 200
        assert rest(connection) == b""


@pytest.mark.parametrize("times", [1, 10])
def test_an_answer_has_to_be_read(patient: Server, times: int) -> None:
    patient.cut.clear()
    patient.cut_off.clear()
    with closing(socket.socket()) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(patient.address)
        connection.sendall(GET.replace(b"/a", b"/large") * times)
        patient.cut_off.wait()
        assert len(rest(connection)) < 1 << 20
    assert patient.cut == ["timeout"]


def test_each_request_has_its_own_time(patient: Server) -> None:
    with closing(patient.connect()) as connection:
        connection.sendall(GET[:9])
        end = monotonic() + 2 * TIMEOUT_S
        while monotonic() < end:
            connection.sendall(GET[9:] + GET[:9])  # so that there is always half a request
            assert answer(connection).status == 200
