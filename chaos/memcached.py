"""memcached as a real process that tests may kill, fill and start again, and a wire that fails."""

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
_MAGIC = b"RTTP"  # what a profile begins with


class Server:
    """One memcached; it keeps its port when it is started again."""

    def __init__(self) -> None:
        with socket.create_server((HOST, 0)) as free:
            self.port: int = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """As the settings have it."""
        return f"{HOST}:{self.port}"

    def start(self, *flags: str) -> None:
        """Start it, empty, and return once it listens."""
        command = ["memcached", "-u", "nobody", "-l", HOST, "-p", str(self.port), *flags]
        self._process = subprocess.Popen(command)
        while True:
            with suppress(ConnectionRefusedError), socket.create_connection((HOST, self.port)):
                return
            if self._process.poll() is not None:
                raise RuntimeError(f"memcached did not start: {' '.join(command)}")
            time.sleep(0.02)  # nothing tells that it listens

    def kill(self) -> None:
        """End it, if it runs, without a word to anybody."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def fill(self, largest_bytes: int) -> None:
        """Store values until there is no room for one of any size so far; it must not evict."""
        client = Client((HOST, self.port), default_noreply=False)
        size = 100
        while size < largest_bytes:  # it keeps values of a size apart from others
            with suppress(MemcacheServerError):
                for number in count():
                    client.set(f"{size}-bytes-{number}", b"x" * size)
            size += size // 10
        client.close()

    def keys(self) -> int:
        """How many values it has."""
        client = Client((HOST, self.port))
        found = int(client.stats()[b"curr_items"])
        client.close()
        return found


@contextmanager
def servers(number: int) -> Iterator[list[Server]]:
    """So many, all empty, which end with the test."""
    started = [Server() for _ in range(number)]
    try:
        for each in started:
            each.start()
        yield started
    finally:
        for each in started:
            each.kill()


class Wire(ThreadingTCPServer):
    """What lies between a client and a server, and may be slow or change what is answered."""

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
        """Where a client finds it."""
        return f"{HOST}:{self.server_address[1]}"

    def mend(self) -> None:
        """Pass everything on, at once; an answer that trickles by now goes on to trickle."""
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
    """A wire to a server."""
    with Wire(server.port) as between:
        thread = Thread(target=between.serve_forever)
        thread.start()
        try:
            yield between
        finally:
            between.cut.set()
            between.shutdown()
            thread.join()
