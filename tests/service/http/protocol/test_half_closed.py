"""Clients that say that they send no more, as `nc` does, and read on."""

import socket
from contextlib import closing

import pytest

from tests.service.http.protocol.conftest import Server, answer, rest, serving

GET = b"GET /%b HTTP/1.1\r\nhost: a\r\n\r\n"


def end(server: Server, connection: socket.socket) -> None:
    """Send no more on a connection, and return once the server knows it."""
    connection.shutdown(socket.SHUT_WR)
    with closing(server.connect()) as another:
        for _ in range(2):
            another.sendall(GET % b"another")
            assert answer(another).status == 200


@pytest.mark.parametrize("paths", [[b"wait"], [b"wait", b"a"], [b"a", b"wait", b"b", b"c"]])
def test_all_that_was_asked_for_is_answered(paths: list[bytes]) -> None:
    with serving() as server, closing(server.connect()) as connection:
        connection.sendall(b"".join(GET % path for path in paths))
        server.arrived.wait()
        end(server, connection)
        server.released.set()
        answers = rest(connection)
    assert [answers.count(b"\r\n\r\n/%b 0" % path) for path in paths] == [1] * len(paths)
    assert answers.count(b"HTTP/1.1 200 OK") == len(paths)
    assert answers.count(b"connection: close") == 1


@pytest.mark.parametrize("part", [b"", GET[:9], GET[:-2]])
def test_a_connection_that_waits_for_no_answer_is_closed(part: bytes) -> None:
    with serving() as server, closing(server.connect()) as connection:
        connection.sendall(GET % b"a")
        assert answer(connection).status == 200
        connection.sendall(part)
        end(server, connection)
        assert rest(connection) == b""


def test_one_that_does_not_read_on_either_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    with serving() as server:
        with closing(server.connect()) as connection:
            connection.sendall(b"".join(GET % path for path in (b"wait", b"a", b"b")))
            server.arrived.wait()
        server.released.set()
    assert "/wait" in server.asked
    assert [each.getMessage() for each in caplog.records if each.levelname == "ERROR"] == []
