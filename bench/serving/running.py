"""A running service, started by the real command on chosen cores."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from time import perf_counter, sleep
from typing import IO

import httpx

from bench.processes import ONE_THREAD, children

__all__ = ["CONSTANT", "ECHO", "NOT_IN_THE_IMAGE", "SERVE", "Running", "running"]

SERVE = (str(Path(sys.executable).with_name("rtt2vec-serve")),)
ECHO = (sys.executable, "-m", "bench.serving.echo")
CONSTANT = (sys.executable, "-m", "bench.serving.constant")
NOT_IN_THE_IMAGE = ("cffi", "coverage", "scipy")
"""Packages that Numba loads where they are installed; only training and tests need them."""

LOG_LEVEL = "info"  # the default: a line per request


@dataclass(frozen=True)
class Running:
    """A service that is ready.

    Attributes:
        url: where it listens.
        pid: of the first process.
        ready_s: seconds from its start until every worker was ready.
    """

    url: str
    pid: int
    ready_s: float

    @property
    def workers(self) -> list[int]:
        """The processes that answer: the children of the first one, or the first one itself."""
        return children(self.pid) or [self.pid]


@contextmanager
def running(
    command: tuple[str, ...],
    bundle: Path,
    cores: Set[int],
    workers: int = 1,
    flags: Sequence[str] = (),
    without: Sequence[str] = (),
    port: int = 0,
) -> Iterator[Running]:
    """Start a service, with default settings but for the flags; stop it at the end.

    Its log goes to a file, which is printed if it does not start. Modules named in `without` cannot
    be imported, as if they were not installed.
    """
    common = ["--bundle", str(bundle), "--port", str(port), "--log-level", LOG_LEVEL]
    inherited = {n: v for n, v in os.environ.items() if not n.startswith("RTT2VEC_")}
    began = perf_counter()
    with (
        _hiding(without) as path,
        TemporaryFile("w+") as log,
        subprocess.Popen(
            [*command, *common, "--workers", str(workers), *flags],
            env=inherited | ONE_THREAD | path,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            os.sched_setaffinity(process.pid, cores)
            url = _url(process, log)
            _await_ready(url)
            yield Running(url, process.pid, perf_counter() - began)
        finally:
            process.terminate()


@contextmanager
def _hiding(modules: Sequence[str]) -> Iterator[dict[str, str]]:
    """Environment variables that put a module that fails to import before each of these."""
    with TemporaryDirectory() as folder:
        for name in modules:
            Path(folder, f"{name}.py").write_text("raise ImportError\n")
        yield {"PYTHONPATH": folder} if modules else {}


def _url(process: "subprocess.Popen[str]", log: IO[str]) -> str:
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        log.seek(0)
        sys.exit(f"{log.read()}bench: the service did not start")
    return line.split()[2].rstrip(".")


def _await_ready(url: str) -> None:
    while not httpx.get(f"{url}/health/ready", timeout=60).is_success:
        sleep(0.01)
