"""Clients that mean no good: they have no key, do not finish what they send, or do not read."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from bench.processes import CORES, Memory
from bench.serving.load import Generator, generator
from bench.serving.running import SERVE, Running, running
from chaos.outcome import Outcome
from chaos.trial import Trial

__all__ = ["outcomes"]

_KEY = "the key of the load generator"
_CLIENTS, _STRANGERS = 200, 150
_MIB = 1 << 20
_BODY = b" " * (_MIB - 1)
_HEAD = b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
_PATIENCE_S = 0.05  # until a client gives up sending more
_AT_MOST_MS = 100
_AT_MOST_MB = 64


def outcomes(bundle: Path, load: Generator, rate: float, seconds: float) -> Iterator[Outcome]:
    """Let hostile clients loose on a service that others use with a key."""
    with TemporaryDirectory(prefix="rtt2vec-hostile-") as directory:
        keys = Path(directory) / "keys.toml"
        digest = sha256(_KEY.encode()).hexdigest()
        scopes = '["recommend", "events"]'
        keys.write_text(f'[[keys]]\nname = "load"\nsha256 = "{digest}"\nscopes = {scopes}\n')
        flags = ("--api-keys", str(keys), "--events", directory)
        with running(SERVE, bundle, {CORES[0]}, flags=flags) as service:
            trial = Trial(service.url, replace(load, key=_KEY), rate, seconds)
            yield _flood(trial, service, seconds)
            for fault, sent in _FAULTS.items():
                yield _left(trial, service, fault, sent)


def _flood(trial: Trial, service: Running, seconds: float) -> Outcome:
    """Requests without a key, on many connections, each as soon as the one before is refused."""
    # On the core of the load generator, but behind it.
    with (
        generator([b"{}"], {CORES[-1]}, niceness=15) as strangers,
        ThreadPoolExecutor(1) as thread,
    ):
        url = f"{service.url}/recommend"

        def begin() -> None:
            thread.submit(strangers.closed, url, 1.5 * seconds, _STRANGERS)

        fault = f"{_STRANGERS} callers without a key"
        return trial.outcome(fault, begin, lambda: None, _AT_MOST_MS)


def _left(trial: Trial, service: Running, fault: str, sent: Callable[[], bytes]) -> Outcome:
    """Connections on which something is sent, and that then are left alone."""
    parts = urlsplit(service.url)
    before = Memory.of(service.pid).anonymous
    with ExitStack() as opened:

        def begin() -> None:
            for _ in range(_CLIENTS):
                connection = opened.enter_context(closing(socket.socket()))
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                connection.connect((parts.hostname, parts.port))
                connection.settimeout(_PATIENCE_S)
                with suppress(OSError):
                    connection.sendall(sent())

        found = trial.outcome(fault, begin, lambda: None, _AT_MOST_MS)
        grown = Memory.of(service.pid).anonymous - before
    return replace(found, kept=grown < _AT_MOST_MB, remark=f"{grown:.0f} MB more memory")


def _authorised(path: bytes) -> bytes:
    return _HEAD % path + b"Authorization: Bearer %b\r\n" % _KEY.encode()


_FAULTS: dict[str, Callable[[], bytes]] = {
    f"{_CLIENTS} bodies without an end": lambda: (
        _authorised(b"/events") + b"Content-Length: %d\r\n\r\n" % _MIB + _BODY
    ),
    f"{_CLIENTS} clients never read": lambda: (
        b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 5000
    ),
    f"{_CLIENTS} trailers without an end": lambda: (
        _HEAD % b"/recommend" + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nx: " + _BODY
    ),
}
