"""Head and body of an answer are one write, and nothing waits longer than an iteration."""

import asyncio
from unittest.mock import Mock

from service.http.protocol.joined import JoinedWrites


def test_two_writes_are_one_and_a_single_one_does_not_wait() -> None:
    transport = Mock()

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
