"""`python -m loadtest.open_loop`: requests at a constant rate, whether or not they are answered.

A shopper does not wait for others to be served. So each request has a moment at which it should be
sent, and its latency counts from that moment: what queues up, in the service or before a free
connection, is in the figures (a closed loop would leave it out). Without a rate, every connection
asks again as soon as it is answered, which measures the most that the service can do.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from time import perf_counter
from urllib.parse import urlsplit

PERCENTILES = (50, 90, 99, 99.9)


@dataclass
class Result:
    """What a run measured; latencies in milliseconds, from the intended moment of sending."""

    seconds: float = 0.0
    times_ms: list[float] = field(default_factory=list)
    failures: int = 0

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.times_ms) / self.seconds

    def percentile_ms(self, percent: float) -> float:
        """Return the latency that `percent` of the answered requests stayed within."""
        return sorted(self.times_ms)[int(percent / 100 * (len(self.times_ms) - 1))]

    def summary(self) -> dict[str, float]:
        """Return the figures by name."""
        figures = {f"p{percent:g}_ms": self.percentile_ms(percent) for percent in PERCENTILES}
        return {"requests_per_s": self.rate, "failures": self.failures} | figures


class Connection:
    """One HTTP/1.1 connection, kept alive."""

    def __init__(self, host: str, port: int, path: str) -> None:
        self._address = host, port
        self._head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, body: bytes) -> int:
        """Send a body and read the whole answer; returns its status, 0 if the connection broke."""
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection(*self._address)
            reader, writer = self._streams
            writer.write(f"{self._head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0]
            await reader.readexactly(int(length))
        except (OSError, IndexError, asyncio.IncompleteReadError):
            self.close()
            return 0
        return int(head.split(b" ", 2)[1])

    def close(self) -> None:
        """Close it; the next post opens a new one."""
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None


async def run(
    url: str, bodies: Sequence[bytes], rate: float | None, seconds: float, connections: int
) -> Result:
    """Load a service.

    Args:
        url: of the route.
        bodies: posted in turn, over and over.
        rate: requests per second; None asks again on every connection as soon as it is answered.
        seconds: how long requests are sent.
        connections: how many are open at once.
    """
    parts = urlsplit(url)
    result, moments = Result(), _moments(rate, seconds)
    supply = cycle(bodies)
    started = perf_counter()

    async def shop() -> None:
        connection = Connection(parts.hostname or "", parts.port or 80, parts.path)
        for moment in moments:
            due = started + moment if rate else perf_counter()
            if (early := due - perf_counter()) > 0:
                await asyncio.sleep(early)
            status = await connection.post(next(supply))
            if status == 200:
                result.times_ms.append((perf_counter() - due) * 1000)
            else:
                result.failures += 1
        connection.close()

    await asyncio.gather(*(shop() for _ in range(connections)))
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
    """Run, print the figures as one line of JSON, exit with 1 if a request failed."""
    arguments = _arguments()
    bodies = arguments.requests.read_bytes().splitlines()
    if not bodies:
        sys.exit(f"open_loop: no requests in {arguments.requests}")
    result = asyncio.run(
        run(
            f"{arguments.host}/recommend",
            bodies,
            arguments.rate,
            arguments.duration_s,
            arguments.connections,
        )
    )
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
    add("--rate", type=float, help="requests per second; without it, as many as it can take")
    add("--duration-s", type=float, default=30, help="seconds to send for (%(default)s)")
    add("--connections", type=int, default=64, help="open at once (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
