"""nginx before two workers, configured as the documentation says."""

import os
import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from shutil import which
from threading import Event, Thread

import pytest

from service.settings import Settings
from tests.service.conftest import Served
from tests.service.supervision.connections import connections_of, is_shared

NGINX = which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
PAGE = Path(__file__).parents[3] / "docs" / "operations.md"
CLIENTS = 16
TRIES = 6000

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


def documented() -> str:
    """The configuration in the documentation."""
    (found,) = re.findall(r"```nginx\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    return str(found)


@contextmanager
def proxy(folder: Path, service: Served) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Run nginx before a service; gives its process, and the socket on which it listens."""
    address = ":".join(map(str, service.address))
    listens = folder / "nginx.socket"
    servers = documented().replace("127.0.0.1:8000", address)
    servers = servers.replace("listen 80;", f"listen unix:{listens};")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "\n".join(f"{kind}_temp_path {folder / kind};" for kind in kinds)
    configuration = folder / "nginx.conf"
    configuration.write_text(
        "daemon off; master_process off;\n"
        f"pid {folder / 'pid'}; error_log {folder / 'errors'};\n"
        f"events {{}}\nhttp {{ access_log off;\n{places}\n{servers} }}\n"
    )
    command = [
        str(NGINX),
        "-p",
        str(folder),
        "-c",
        str(configuration),
        "-e",
        str(folder / "errors"),
    ]
    with subprocess.Popen(command) as process:
        try:
            while not listens.exists():
                assert process.poll() is None, (folder / "errors").read_text()
            yield process, listens
        finally:
            process.terminate()


class Client(HTTPConnection):
    """A client of the proxy, which keeps its connection."""

    def __init__(self, listens: Path) -> None:
        super().__init__("proxy", timeout=30)
        self._listens = listens

    def connect(self) -> None:
        """Connect, at first and when nginx has closed the connection after some requests."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self._listens))


def send(client: HTTPConnection) -> None:
    """Send a request."""
    client.request("POST", "/recommend", b"{}", {"Content-Type": "application/json"})


def status_of(client: HTTPConnection) -> int:
    """Wait for the answer to the request that was sent."""
    answer = client.getresponse()
    answer.read()
    return answer.status


@dataclass
class Load:
    """Clients that ask until they are stopped, each on a connection of its own to the proxy."""

    listens: Path
    over: Event = field(default_factory=Event)
    statuses: list[int] = field(default_factory=list)

    def ask(self) -> None:
        """Be one of the clients."""
        with closing(Client(self.listens)) as client:
            while not self.over.is_set():
                send(client)
                self.statuses.append(status_of(client))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run all clients until the end of the block."""
        threads = [Thread(target=self.ask) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.over.set()
            for thread in threads:
                thread.join()


def test_each_request_is_answered_while_workers_come_and_go(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    served = serve("--workers", "2")
    served.await_workers(2)
    with proxy(tmp_path, served) as (_, listens):
        load = Load(listens)
        with load.running():
            await_shares(served)
            for number, ending in enumerate((signal.SIGKILL, signal.SIGTERM)):
                os.kill(served.workers[0], ending)
                served.await_workers(3 + number)
                await_shares(served)
    assert len(load.statuses) > CLIENTS
    assert set(load.statuses) == {200}


def await_shares(served: Served) -> None:
    """Return once each worker has its share of the proxy's connections."""
    pause = Event()
    for _ in range(TRIES):
        found = connections_of(served)
        if sum(found) >= CLIENTS / 2 and is_shared(found):
            return
        pause.wait(0.01)
    pytest.fail(f"the workers have {connections_of(served)} connections")


def test_a_kept_connection_that_breaks_as_it_is_used_costs_no_request(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    served = serve("--workers", "2")
    served.await_workers(2)
    with proxy(tmp_path, served) as (process, listens), closing(Client(listens)) as client:
        send(client)
        assert status_of(client) == 200
        counts = zip(served.workers, connections_of(served), strict=True)
        (keeps_it,) = (worker for worker, count in counts if count)
        # nginx learns of the request first, and only then that the connection is gone.
        os.kill(process.pid, signal.SIGSTOP)
        send(client)
        os.kill(keeps_it, signal.SIGKILL)
        served.await_workers(3)
        os.kill(process.pid, signal.SIGCONT)
        assert status_of(client) == 200


def test_the_proxy_closes_idle_connections_first() -> None:
    (idle_s,) = re.findall(r"keepalive_timeout (\d+)s;", documented())
    assert int(idle_s) < Settings.model_fields["keep_alive_s"].default
