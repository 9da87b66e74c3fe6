"""A tiny bundle, apps that answer from it, and the real command in a process of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from bench.processes import children
from service.app import create_app
from service.bundle.bundle import write_bundle
from service.recommending.weights import Weights
from service.settings import Settings
from tests.data.ruled_shop import ruled_contents
from tests.data.tiny_bundle import SUBSTITUTES

COMMAND = Path(sys.executable).parent / "rtt2vec-serve"
ADMIN_KEY = "the key of the tests"
ADMIN = {"Authorization": f"Bearer {ADMIN_KEY}"}


@pytest.fixture(scope="session")
def bundle_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the tiny bundle with rules: 40 items, 6 users, two aisles."""
    weights = Weights(user=1, popularity=1, history=1)
    contents = replace(ruled_contents(), serving=weights.write(), **SUBSTITUTES)
    return write_bundle(tmp_path_factory.mktemp("bundles"), contents)


@contextmanager
def listening(app: FastAPI) -> Iterator[httpx.Client]:
    """Serve an app from a thread of this process, and give a client of it."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    thread = Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}") as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def connect(bundle_dir: Path) -> Iterator[Callable[..., httpx.Client]]:
    """Gives clients of apps of their own, which are ready; takes their settings."""
    with ExitStack() as running:

        def connect(**settings: Any) -> httpx.Client:
            app = create_app(Settings(bundle=bundle_dir, **settings))
            app.state.swap.start()
            return running.enter_context(listening(app))

        yield connect


@pytest.fixture(scope="session")
def client(connect: Callable[..., httpx.Client]) -> httpx.Client:
    """A client of an app with the default settings, which is ready."""
    return connect()


@dataclass
class Served:
    """A running `rtt2vec-serve`, which has said where it listens."""

    process: subprocess.Popen[str]
    line: str
    log: Path

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.line.split()[2].rstrip(".")

    @property
    def address(self) -> tuple[str, int]:
        """Its host and port."""
        host, _, port = self.url.removeprefix("http://").rpartition(":")
        return host, int(port)

    @property
    def workers(self) -> list[int]:
        """The process ids of its workers."""
        return children(self.process.pid)

    def await_workers(self, count: int) -> None:
        """Return once so many workers have logged that they are ready, those that ended too."""
        self.await_logged("ready", count)

    def await_logged(self, message: str, count: int) -> None:
        """Return once messages that begin so have been logged so often."""
        while self.log.read_text().count(f'"message":"{message}') < count:
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.02)  # a log file tells nobody that it has grown


@pytest.fixture
def serve(bundle_dir: Path, tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts `rtt2vec-serve` with some flags, on a free port; ends what still runs afterwards."""
    with ExitStack() as running:
        yield lambda *flags: start(running, tmp_path / "log", bundle_dir, *flags)


@pytest.fixture(scope="session")
def served(bundle_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One `rtt2vec-serve` with its default settings, for all tests that leave it as it is."""
    with ExitStack() as running:
        yield start(running, tmp_path_factory.mktemp("served") / "log", bundle_dir)


def start(running: ExitStack, log: Path, bundle_dir: Path, *flags: str) -> Served:
    """Start the command, and return once it has printed its line."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RTT2VEC_")}
    process = running.enter_context(
        subprocess.Popen(
            [COMMAND, "--bundle", bundle_dir, "--port", "0", *flags],
            env=environment | {"RTT2VEC_ADMIN_KEY": ADMIN_KEY},
            stdout=subprocess.PIPE,
            stderr=running.enter_context(log.open("w")),
            text=True,
        )
    )
    running.callback(process.terminate)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, log.read_text()
    return Served(process, line, log)


@pytest.fixture(scope="module")
def preferences(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rules file that prefers the garden and slights the first shelf."""
    path = tmp_path_factory.mktemp("shop") / "rules.yaml"
    path.write_text(
        "rules:\n"
        "- {name: garden, action: boost, factor: 2.5, category: garden}\n"
        "- {name: first shelf, action: bury, factor: 0.3, category: shelf 0}\n"
    )
    return path
