"""`python -m loadtest.open_loop`: requests at a constant rate, whether or not they are answered.

Users do not wait for each other. So each request is due at a fixed moment, and its latency counts
from that moment: time spent queueing, in the service or for a free connection, is included (a
closed loop would leave it out). Without a rate, every connection sends its next request as soon as
it has an answer, which measures the capacity of the service.
"""

import argparse
import asyncio
import json
import re
import select
import selectors
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import cycle
from pathlib import Path
from time import perf_counter
from urllib.parse import urlsplit

import uvloop

from loadtest.result import Result

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_LAST = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_TIMER_SLACK = Path("/proc/self/timerslack_ns")


class Connection(asyncio.Protocol):
    """One HTTP/1.1 connection, kept alive."""

    def __init__(self, host: str, port: int, path: str, headers: Mapping[str, str]) -> None:
        self._address = host, port
        fields = {"Host": host, "Content-Type": "application/json", **headers}
        lines = (f"{name}: {value}\r\n" for name, value in fields.items())
        self._head = f"POST {path} HTTP/1.1\r\n{''.join(lines)}"
        self._transport: asyncio.WriteTransport | None = None
        self._status: asyncio.Future[int] | None = None
        self._received = b""
        self._last = 0  # the status of the answer with which the server closes the connection

    async def open(self) -> None:
        """Connect, unless connected; failing to connect is not an error."""
        if self._transport is None:
            with suppress(OSError):
                loop = asyncio.get_running_loop()
                self._transport, _ = await loop.create_connection(lambda: self, *self._address)

    async def post(self, body: bytes) -> int:
        """Send a body and read the whole answer; returns its status, 0 if the connection broke."""
        await self.open()
        if self._transport is None:
            return 0
        self._status, self._received = asyncio.get_running_loop().create_future(), b""
        head = f"{self._head}Content-Length: {len(body)}\r\n\r\n"
        self._transport.write(head.encode() + body)
        return await self._status

    def data_received(self, data: bytes) -> None:
        """Collect the answer; complete the request at its end."""
        self._received += data
        head, ended, content = self._received.partition(b"\r\n\r\n")
        if not ended:
            return
        length = _LENGTH.search(head)
        if length is None:
            self.close()
        elif len(content) >= int(length[1]):
            status = int(head.split(b" ", 2)[1])
            if _LAST.search(head):
                self._last = status
                self.close()
            else:
                self._answered(status)

    def connection_lost(self, _error: Exception | None) -> None:
        """Complete the request in flight, or fail it; the next post opens a new connection."""
        self._transport = None
        self._answered(self._last)
        self._last = 0

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()

    def _answered(self, status: int) -> None:
        if self._status is not None and not self._status.done():
            self._status.set_result(status)


class _AwakeSelector(selectors.DefaultSelector):
    """Never sleeps."""

    def select(self, _timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what can be read or written now."""
        return super().select(0)


class _ExactSelector(selectors.DefaultSelector):
    """Waits to the microsecond, where epoll rounds up to the next millisecond."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what can be read or written, within so many seconds."""
        select.select([self.fileno()], [], [], timeout)
        return super().select(0)


def loop_for(rate: float | None, *, awake: bool = False) -> asyncio.AbstractEventLoop:
    """Make an event loop for `run`, in a process that does nothing else.

    Whatever wakes the generator late would be counted as time of the service. So at a constant rate
    it wakes to the microsecond, when a request is due or an answer has arrived; without one, the
    loop is the one that takes the least of its core.

    Args:
        rate: as in `run`.
        awake: never sleep, which takes a whole core. On one machine, a service whose answer has to
            wake the generator's core pays for it (a tenth of a recommendation, where machines are
            virtual); a client elsewhere would not cost it that.
    """
    if rate is None:
        return uvloop.new_event_loop()
    if awake:
        return asyncio.SelectorEventLoop(_AwakeSelector())
    with suppress(OSError):  # only Linux groups wake-ups, by 50 microseconds
        _TIMER_SLACK.write_text("1")
    return asyncio.SelectorEventLoop(_ExactSelector())


async def run(
    url: str,
    bodies: Sequence[bytes],
    rate: float | None,
    seconds: float,
    connections: int,
    headers: Mapping[str, str] | None = None,
) -> Result:
    """Load a service.

    Args:
        url: of the route.
        bodies: posted in turn, in an endless cycle.
        rate: requests per second; None sends on every connection as soon as it has an answer.
        seconds: how long requests are sent.
        connections: number of connections.
        headers: of every request, beside the usual ones.
    """
    parts = urlsplit(url)
    address = parts.hostname or "", parts.port or 80, parts.path
    opened = [Connection(*address, headers or {}) for _ in range(connections)]
    await asyncio.gather(*(connection.open() for connection in opened))
    result, moments = Result(), _moments(rate, seconds)
    supply = cycle(bodies)
    started = perf_counter()

    async def send(connection: Connection) -> None:
        for moment in moments:
            due = started + moment if rate else perf_counter()
            if (early := due - perf_counter()) > 0:
                await asyncio.sleep(early)
            sent = perf_counter()
            status = await connection.post(next(supply))
            answered = perf_counter()
            result.record((answered - due) * 1000, answered=status == 200)
            if status == 503:
                result.shed_ms.append((answered - sent) * 1000)
        connection.close()

    await asyncio.gather(*map(send, opened))
    result.seconds = perf_counter() - started
    return result


def _moments(rate: float | None, seconds: float) -> Iterator[float]:
    """Yield when each request is due, in seconds from the start; shared by all connections."""
    if rate:
        yield from (number / rate for number in range(round(rate * seconds)))
        return
    started = perf_counter()
    while (now := perf_counter() - started) < seconds:
        yield now


def main() -> None:
    """Run and print the figures as one line of JSON; exit with 1 if a request failed."""
    arguments = _arguments()
    try:
        bodies = arguments.requests.read_bytes().splitlines()
    except OSError as error:
        sys.exit(f"open_loop: {error}. Such a file is written by: make loadtest")
    if not bodies:
        sys.exit(f"open_loop: no requests in {arguments.requests}")
    requests = run(
        f"{arguments.host}/recommend",
        bodies,
        arguments.rate,
        arguments.duration_s,
        arguments.connections,
    )
    loop = partial(loop_for, arguments.rate, awake=arguments.awake)
    with asyncio.Runner(loop_factory=loop) as runner:
        result = runner.run(requests)
    if not result.times_ms:
        sys.exit(f"open_loop: no answer from {arguments.host}. Start the service with: make run")
    print(json.dumps({name: round(value, 3) for name, value in result.summary().items()}))
    if result.failures:
        sys.exit(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m loadtest.open_loop", description=__doc__)
    add = parser.add_argument
    requests = Path("loadtest/requests.jsonl")
    add("--host", default="http://127.0.0.1:8000", help="URL of the service (%(default)s)")
    add("--requests", type=Path, default=requests, help="bodies to post (%(default)s)")
    add("--rate", type=float, help="requests per second; by default as many as possible")
    add("--duration-s", type=float, default=30, help="seconds to send for (%(default)s)")
    add("--connections", type=int, default=64, help="number of connections (%(default)s)")
    add("--awake", action="store_true", help="never sleep at a rate: for a core of its own")
    return parser.parse_args()


if __name__ == "__main__":
    main()
