"""Faults of workers and their supervisor, at moments when a file that they start with is broken."""

import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple
from urllib.parse import urlsplit

from bench.processes import CORES
from bench.serving.load import Generator
from bench.serving.running import SERVE, Running, running
from chaos.outcome import Outcome
from chaos.trial import Trial, awaited, metric
from service.bundle.bundle import load_bundle
from service.bundle.publishing import CURRENT

__all__ = ["outcomes"]

_KEY = "the key of the load generator"
_RULES = "rules: []\n"
_KEYS = f"""
[[keys]]
name = "load"
sha256 = "{sha256(_KEY.encode()).hexdigest()}"
scopes = ["recommend"]
"""
_WORKERS = 2
_AT_MOST_MS = 50  # one worker does the work of two
_BACK_S = 20  # for workers that are all new, on busy cores


def outcomes(bundle: Path, load: Generator, rate: float, seconds: float) -> Iterator[Outcome]:
    """End workers while their files are broken, and at last the supervisor."""
    source = load_bundle(bundle).path
    with TemporaryDirectory(prefix="rtt2vec-workers-") as directory, ExitStack() as services:
        out = Path(directory, "bundles")
        copy = Path(shutil.copytree(source, out / source.name))
        (out / CURRENT).symlink_to(copy.name)
        (rules := Path(directory, "rules.yaml")).write_text(_RULES)
        (keys := Path(directory, "keys.toml")).write_text(_KEYS)
        flags = ("--rules", str(rules), "--api-keys", str(keys))

        def serve(port: int = 0) -> Running:
            service = running(SERVE, out, set(CORES), _WORKERS, flags, port=port)
            return services.enter_context(service)

        service = serve()
        trial = Trial(service.url, replace(load, key=_KEY), rate, seconds)
        yield from _broken_files(service, trial, rules, keys, copy)
        yield _copied_over(service, trial, copy)
        yield _supervisor_killed(service, trial, serve)


class _Broken(NamedTuple):
    """A file that is broken while a worker dies.

    Attributes:
        fault: its name.
        damage, mend: break and repair the file.
        ready: number of workers that are ready meanwhile.
    """

    fault: str
    damage: Callable[[], object]
    mend: Callable[[], object]
    ready: int


def _broken_files(
    service: Running, trial: Trial, rules: Path, keys: Path, bundle: Path
) -> Iterator[Outcome]:
    away = bundle.with_name("away")
    less = _WORKERS - 1
    for each in (
        # With the rules that were accepted, a new worker is ready all the same.
        _Broken(
            "a worker dies, its rules are broken",
            partial(rules.write_text, "rules: ["),
            partial(rules.write_text, _RULES),
            _WORKERS,
        ),
        _Broken(
            "a worker dies, its bundle is away",
            partial(bundle.rename, away),
            partial(away.rename, bundle),
            less,
        ),
        _Broken(
            "a worker dies, its keys are broken",
            partial(keys.write_text, "[["),
            partial(keys.write_text, _KEYS),
            less,
        ),
    ):
        begin, end = partial(_break, service, each), partial(_mend, service, each)
        yield trial.outcome(each.fault, begin, end, _AT_MOST_MS)


def _break(service: Running, broken: _Broken) -> None:
    broken.damage()
    pid = service.workers[-1]
    os.kill(pid, signal.SIGKILL)
    awaited(lambda: pid not in service.workers or None, "the end of a worker")
    _await_ready(service.url, broken.ready)


def _mend(service: Running, broken: _Broken) -> None:
    broken.mend()
    _await_ready(service.url, _WORKERS)


def _copied_over(service: Running, trial: Trial, bundle: Path) -> Outcome:
    """The files of the bundle are written again where they are, which ends all workers."""
    took: list[float] = []

    def copy_over() -> None:
        contents = {path: path.read_bytes() for path in bundle.iterdir()}
        for path in contents:
            path.write_bytes(b"")
        for pid in service.workers:
            os.kill(pid, signal.SIGBUS)  # as when they touch a page that is gone
        awaited(lambda: metric(service.url, "rtt2vec_workers_ready") == 0 or None, "new workers")
        for path, content in contents.items():
            path.write_bytes(content)
        took.append(_await_ready(service.url, _WORKERS))

    found = trial.outcome("a bundle is copied over", copy_over, lambda: None, _AT_MOST_MS)
    remark = f"all workers were ready {took[0]:.1f} s after the last file"
    return replace(found, kept=took[0] <= _BACK_S, remark=remark)


def _supervisor_killed(service: Running, trial: Trial, serve: Callable[[int], Running]) -> Outcome:
    """The supervisor is killed, and the service is started again at the same port."""
    took: list[float] = []

    def kill() -> None:
        began, workers = perf_counter(), service.workers
        os.kill(service.pid, signal.SIGKILL)
        host, port = urlsplit(service.url).hostname or "", urlsplit(service.url).port or 0
        awaited(lambda: _is_free(host, port) or None, "the port")
        awaited(lambda: None if any(map(_runs, workers)) else True, "the end of the workers")
        took.append(perf_counter() - began)
        serve(port)

    found = trial.outcome("the supervisor is killed (-9)", kill, lambda: None, _AT_MOST_MS)
    return replace(found, remark=f"its workers had ended after {took[0]:.1f} s")


def _await_ready(url: str, count: int) -> float:
    """Wait until so many workers are ready, and return the seconds."""
    began = perf_counter()
    awaited(lambda: metric(url, "rtt2vec_workers_ready") == count or None, f"{count} workers")
    return perf_counter() - began


def _is_free(host: str, port: int) -> bool:
    try:
        socket.create_server((host, port)).close()
    except OSError:
        return False
    return True


def _runs(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
