"""The open-loop generator: what is due is sent, and waiting counts."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from loadtest.open_loop import loop_for, run
from loadtest.result import Result
from tests.service.conftest import Served

BODIES = [b'{"user_id": "user-1"}', b'{"user_id": "user-2"}']
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def load(
    url: str,
    bodies: list[bytes],
    rate: float | None,
    seconds: float,
    n: int,
    *,
    awake: bool = False,
) -> Result:
    """Load a server over n connections, as the command does."""
    with asyncio.Runner(loop_factory=lambda: loop_for(rate, awake=awake)) as runner:
        return runner.run(run(url, bodies, rate, seconds, n))


@pytest.mark.parametrize("awake", [False, True])
def test_as_many_requests_are_sent_as_the_rate_asks_for(served: Served, awake: bool) -> None:
    result = load(f"{served.url}/recommend", BODIES, 40, 0.5, 4, awake=awake)
    assert (len(result.times_ms), result.failures) == (20, 0)
    assert result.seconds >= 19 / 40  # the last one was not due before


def test_without_a_rate_each_connection_asks_again_at_once(served: Served) -> None:
    result = load(f"{served.url}/recommend", BODIES, None, 0.3, 2)
    assert result.failures == 0
    assert len(result.times_ms) > 2
    assert result.rate == len(result.times_ms) / result.seconds


def test_refused_requests_are_failures(served: Served) -> None:
    result = load(f"{served.url}/recommend", [b'{"k": 0}'], 20, 0.2, 1)
    assert (len(result.times_ms), result.failures) == (0, 4)


def against(answer: Answer, rate: float, seconds: float, connections: int) -> Result:
    """Load a server that answers as it is told."""

    async def answered() -> Result:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            url = f"http://127.0.0.1:{port}/recommend"
            return await run(url, BODIES, rate, seconds, connections)

    return asyncio.run(answered())


def test_time_spent_waiting_for_a_free_connection_counts() -> None:
    """One connection, 20 ms an answer, one request due every millisecond: they queue up."""

    async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.rsplit(b"Content-Length: ", 1)[1])
            await reader.readexactly(length)
            await asyncio.sleep(0.02)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()

    result = against(slowly, 1000, 0.01, 1)
    assert len(result.times_ms) == 10
    # The tenth was due after 9 ms and waits for nine answers before its own.
    assert max(result.times_ms) >= 10 * 20 - 9
    assert result.times_ms == sorted(result.times_ms)


def test_a_broken_connection_is_a_failure_and_the_next_request_opens_another() -> None:
    opened = 0

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        await reader.readline()
        writer.close()

    result = against(hang_up, 100, 0.03, 1)
    assert (result.failures, opened) == (3, 3)
    assert not result.times_ms


def test_a_connection_that_the_server_closes_with_an_answer_is_no_failure() -> None:
    opened = 0

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.rsplit(b"Content-Length: ", 1)[1]))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        await reader.read()  # nothing more is sent on it
        writer.close()

    result = against(once, rate=100, seconds=0.1, connections=1)
    assert (len(result.times_ms), result.failures, opened) == (10, 0, 10)


@pytest.mark.parametrize(("body", "status"), [('{"k": 1}', 0), ('{"k": 0}', 1)])
def test_the_command_prints_json_and_fails_with_a_failure(
    tmp_path: Path, served: Served, body: str, status: int
) -> None:
    requests = tmp_path / "requests.jsonl"
    requests.write_text('{"k": 1}\n' + body + "\n")
    command = [sys.executable, "-m", "loadtest.open_loop", "--host", served.url, "--rate", "20"]
    done = subprocess.run(
        [*command, "--requests", str(requests), "--duration-s", "0.2", "--connections", "1"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert json.loads(done.stdout)["failures"] == 2 * status


def test_the_command_says_how_to_get_requests(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "loadtest.open_loop", "--requests", str(tmp_path / "none")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("open_loop: ")
    assert str(tmp_path / "none") in done.stderr
    assert done.stderr.endswith("written by: make loadtest\n")
