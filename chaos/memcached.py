"""memcached as a real process that can be killed, filled and restarted, and a proxy that fails."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Event, Thread

from pymemcache import Client, MemcacheServerError

HOST = "127.0.0.1"
_CHUNK = 65536
_TRICKLE_S = 0.001
_MAGIC = b"RTTP"  # the first bytes of a profile


class Server:
    """One memcached; it keeps its port when it is restarted."""

    def __init__(self) -> None:
        with socket.create_server((HOST, 0)) as free:
            self.port: int = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """`host:port`, as in the settings."""
        return f"{HOST}:{self.port}"

    def start(self, *flags: str) -> None:
        """Start it empty; returns once it listens."""
        command = ["memcached", "-u", "nobody", "-l", HOST, "-p", str(self.port), *flags]
        self._process = subprocess.Popen(command)
        while True:
            with suppress(ConnectionRefusedError), socket.create_connection((HOST, self.port)):
                return
            if self._process.poll() is not None:
                raise RuntimeError(f"memcached did not start: {' '.join(command)}")
            time.sleep(0.02)  # memcached does not report that it listens

    def kill(self) -> None:
        """Kill it (-9), if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def fill(self, largest_bytes: int) -> None:
        """Store values of growing sizes until none fits; needs -M, which forbids eviction."""
        client = Client((HOST, self.port), default_noreply=False)
        size = 100
        while size < largest_bytes:  # memcached has a separate slab for each size
            with suppress(MemcacheServerError):
                for number in count():
                    client.set(f"{size}-bytes-{number}", b"x" * size)
            size += size // 10
        client.close()

    def keys(self) -> int:
        """Number of stored values."""
        client = Client((HOST, self.port))
        found = int(client.stats()[b"curr_items"])
        client.close()
        return found


@contextmanager
def servers(number: int) -> Iterator[list[Server]]:
    """Start this many empty servers; kill them at the end."""
    started = [Server() for _ in range(number)]
    try:
        for each in started:
            each.start()
        yield started
    finally:
        for each in started:
            each.kill()


class Wire(ThreadingTCPServer):
    """A proxy between a client and a server, which can delay, garble or damage the answers."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__((HOST, 0), _Call)
        self.port = port
        self.delay_s = 0.0
        self.garbage: bytes | None = None
        self.trickles = self.damages = False
        self.cut = Event()

    @property
    def address(self) -> str:
        """`host:port` for the client."""
        return f"{HOST}:{self.server_address[1]}"

    def mend(self) -> None:
        """Pass everything on at once; an answer that already trickles goes on trickling."""
        self.delay_s, self.garbage = 0.0, None
        self.trickles = self.damages = False


class _Call(BaseRequestHandler):
    """One connection."""

    server: Wire

    def handle(self) -> None:
        with suppress(OSError), socket.create_connection((HOST, self.server.port)) as beyond:
            for each in (self.request, beyond):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            Thread(target=_pass_on, args=(self.request, beyond), daemon=True).start()
            while answer := beyond.recv(_CHUNK):
                self.server.cut.wait(self.server.delay_s)
                if self.server.trickles:
                    self._trickle()
                if self.server.damages:
                    answer = answer.replace(_MAGIC, _MAGIC[::-1])
                self.request.sendall(self.server.garbage or answer)

    def _trickle(self) -> None:
        """Send a byte every millisecond, and never a whole line."""
        while not self.server.cut.wait(_TRICKLE_S):
            self.request.sendall(b"V")


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(_CHUNK):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def wire(server: Server) -> Iterator[Wire]:
    """Run a proxy to a server."""
    with Wire(server.port) as between:
        thread = Thread(target=between.serve_forever)
        thread.start()
        try:
            yield between
        finally:
            between.cut.set()
            between.shutdown()
            thread.join()
