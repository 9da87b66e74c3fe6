"""Head and body of an answer are one write, and nothing waits longer than an iteration."""

import asyncio
import socket
import struct
from contextlib import closing
from unittest.mock import Mock

import pytest

from service.http.protocol.joined import JoinedWrites
from tests.service.http.protocol.conftest import answer, serving


def test_two_writes_are_one_and_a_single_one_does_not_wait() -> None:
    transport = Mock(is_closing=lambda: False)

    def written() -> list[bytes]:
        return [call.args[0] for call in transport.write.call_args_list]

    async def answer() -> None:
        joined = JoinedWrites(transport, asyncio.get_running_loop())
        joined.write(b"head, ")
        joined.write(b"body")
        assert written() == [b"head, body"]
        joined.write(b"more")
        assert len(written()) == 1
        await asyncio.sleep(0)
        assert written()[1:] == [b"more"]
        joined.write(b"last")
        joined.close()
        assert written()[2:] == [b"last"]
        transport.close.assert_called_once_with()
        await asyncio.sleep(0)
        assert len(written()) == 3

    asyncio.run(answer())


GET = b"GET /%b HTTP/1.1\r\nhost: a\r\n\r\n"
RESET = struct.pack("ii", 1, 0)  # what was not received is dropped when the connection is closed


def test_an_answer_to_a_client_that_has_gone_is_no_failure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with serving() as server, closing(server.connect()) as another:
        leaving = server.connect()
        # Of several requests, uvicorn tells only the last one that their client has gone.
        leaving.sendall(GET % b"a" + GET % b"wait" + GET % b"a")
        server.arrived.wait()
        leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        leaving.close()
        for _ in range(2):  # by then the server has seen it
            another.sendall(GET % b"b")
            assert answer(another).status == 200
        server.released.set()
    assert server.asked == ["/a", "/wait", "/b", "/b"]
    assert [each.getMessage() for each in caplog.records if each.levelname == "ERROR"] == []
