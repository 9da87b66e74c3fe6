"""A worker: a process that serves, as its supervisor sees it, and what runs in it."""

import logging
import logging.config
import os
import signal
import sys
from collections.abc import MutableSequence
from contextlib import suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, SpawnContext
from pathlib import Path
from socket import socket
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from service.http.protocol.balance import Balance
from service.settings import Settings
from service.supervision.code import load_code
from service.supervision.start_checks import StartError, checked
from service.support.apart import apart, leave
from service.support.memory import give_back_large_blocks

if TYPE_CHECKING:
    from service.bundle.bundle import LoadBundle
    from service.recommending.request import RecommendRequest
    from service.supervision.server import Server

_logger = logging.getLogger(__name__)


def _context() -> ForkServerContext | SpawnContext:
    """How processes start: forked from one that has loaded all code, where that is safe.

    The fork server of Python 3.11.0 runs what any user of the machine sends it (CVE-2022-42919).
    """
    if sys.platform != "linux" or sys.version_info < (3, 11, 1):
        return get_context("spawn")
    forked = get_context("forkserver")
    forked.set_forkserver_preload(["service.supervision.preloaded"])
    return forked


_processes = _context()

_BEAT_S = {"starts": 0.05, "accepts": 1.0}
"""Seconds between two beats, by what they say; the first moment of accepting should be known.

The last message of a worker is its exit code.
"""

Start = Literal["at once", "when let in", "after checks"]
"""When a worker serves. The first ones wait until one of them has checked all that they need."""

_UNKNOWN = 255  # of `multiprocessing`, for an exit code that nobody could wait for
_HANGS_S = 10.0  # without a beat: then not even a thread of the process runs


class Service(NamedTuple):
    """What a process needs to serve; it is pickled for workers.

    Attributes:
        settings: of the service.
        logging_config: of every process, as `logging.config` has it.
        shared: directory of all workers, if there are several.
    """

    settings: Settings
    logging_config: dict[str, Any]
    shared: Path | None = None


class Worker:
    """A process that serves on a socket.

    Attributes:
        pid: its process id.
        gate: becomes ready when it has checked what it has to.
        accepts: whether it accepts connections, as it told last.
        place: its own among those of all workers.
    """

    def __init__(
        self,
        service: Service,
        listener: socket,
        counts: MutableSequence[int],
        place: int,
        start: Start = "at once",
    ) -> None:
        """Starts the process.

        Args:
            service: what to serve.
            listener: where to accept connections.
            counts: how many connections each worker has in use, by place (see `Balance`).
            place: of this worker.
            start: when to serve.
        """
        self._beats, beats = _processes.Pipe(duplex=False)
        self.gate, gate = _processes.Pipe()
        arguments = (service, listener, (counts, place), beats, gate, start)
        self._process = _processes.Process(target=_run, args=arguments)
        self._process.start()
        beats.close()  # the process has its own
        gate.close()
        self._last_beat = monotonic()
        self._ended = False
        self._told_code: int | None = None
        self.pid = self._process.pid or 0
        self.accepts = False
        self.place = place

    def checked(self) -> "RecommendRequest":
        """Return a request to try, once all is checked.

        Raises:
            StartError: a check has failed, or the process has ended meanwhile.
        """
        try:
            verdict: RecommendRequest | StartError = self.gate.recv()
        except EOFError:
            raise StartError("the process that checks files and settings has ended.") from None
        if isinstance(verdict, StartError):
            raise verdict
        return verdict

    def let_in(self) -> None:
        """Have it serve, if it waits for that."""
        with suppress(OSError):  # it has ended
            self.gate.send(None)

    def hear(self) -> None:
        """Take in what it has told since the last time, and whether it has ended."""
        while not self._ended and self._beats.poll():
            try:
                told = self._beats.recv()
            except EOFError:
                self._ended = True
                return
            self._last_beat = monotonic()
            if isinstance(told, int):
                self._told_code = told
            else:
                self.accepts = told == "accepts"

    @property
    def exit_code(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs, as far as was heard.

        If the process that forked it has ended before, it is what the worker told itself.
        """
        if not self._ended:
            return None
        code = self._process.exitcode
        return self._told_code if code == _UNKNOWN and self._told_code is not None else code

    @property
    def news(self) -> Connection:
        """Becomes ready when it tells something, or ends."""
        return self._beats

    @property
    def hangs(self) -> bool:
        """Whether it has told nothing for so long that it must hang."""
        return monotonic() - self._last_beat > _HANGS_S

    def stop(self) -> None:
        """Ask it to finish its requests and end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if not self._ended:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


def serve(
    service: Service,
    listener: socket,
    pulse: "_Pulse | None" = None,
    balance: Balance | None = None,
    load: "LoadBundle | None" = None,
) -> int:
    """Serve until a signal, and return the exit code.

    Args:
        service: what to serve.
        listener: where to accept connections.
        pulse: of a worker.
        balance: of a worker.
        load: loads a bundle, if not `load_bundle`.
    """
    from service.app import create_app
    from service.bundle.bundle import load_bundle
    from service.supervision.server import Server, server_config

    settings = service.settings
    try:
        app = create_app(settings, shared=service.shared, balance=balance, load=load or load_bundle)
        config = server_config(app, settings, service.logging_config)
        server = Server(config, settings, app.state.serving.drain, balance)
        if pulse is not None:
            pulse.server = server
        server.run([listener])
    except Exception as error:
        _logger.exception("the process cannot serve: %s", error)
        return 1
    return int(server.lifespan.should_exit)  # whether the app failed to shut down


class _Pulse:
    """Tells the supervisor that a worker lives, and ends the worker when the supervisor is gone."""

    def __init__(self, beats: Connection) -> None:
        self._beats = beats
        self.server: Server | None = None

    def run(self) -> None:
        """Beat until the supervisor is gone."""
        supervisor = parent_process()
        gone = [supervisor.sentinel] if supervisor is not None else []
        beat = "starts"
        with suppress(OSError):  # of writing to a supervisor that is gone
            while not wait(gone, _BEAT_S[beat]):
                accepts = self.server is not None and self.server.started
                self._beats.send(beat := "accepts" if accepts else "starts")
        _logger.error("the supervisor is gone: the worker ends")
        if self.server is None:
            os._exit(1)
        self.server.stop(drain_s=0)


def _run(
    service: Service,
    listener: socket,
    place: tuple[MutableSequence[int], int],
    beats: Connection,
    gate: Connection,
    start: Start,
) -> None:
    """Be a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # from a terminal; the supervisor has it, too
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))
    give_back_large_blocks()
    logging.config.dictConfig(service.logging_config)
    pulse = _Pulse(beats)
    apart(pulse.run)
    load_code()
    load = _checked(service.settings, gate) if start == "after checks" else None
    if start != "at once":
        gate.recv()
    code = serve(service, listener, pulse, Balance(*place), load)
    with suppress(OSError):
        beats.send(code)
    leave(code)


def _checked(settings: Settings, gate: Connection) -> "LoadBundle | None":
    """Check, tell the supervisor what came of it, and return what loads the bundle."""
    try:
        found = checked(settings)
    except StartError as error:
        gate.send(error)
        return None
    gate.send(found.example)
    return found.load
