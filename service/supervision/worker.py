"""A worker: a process that serves, as its supervisor sees it, and what runs in it."""

import logging
import logging.config
import os
import signal
from collections.abc import MutableSequence
from contextlib import suppress
from importlib import import_module
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from socket import socket
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from service.http.protocol.balance import Balance
from service.settings import Settings
from service.supervision.start_checks import StartError, checked_example
from service.support.apart import apart, leave
from service.support.memory import give_back_large_blocks

if TYPE_CHECKING:
    from service.recommending.request import RecommendRequest
    from service.supervision.server import Server

_logger = logging.getLogger(__name__)
_spawn = get_context("spawn")

_BEAT_S = {"starts": 0.05, "accepts": 1.0}
"""Seconds between two beats, by what they say; the first moment of accepting should be known."""

Start = Literal["at once", "when let in", "after checks"]
"""When a worker serves. The first ones wait until one of them has checked all that they need."""

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
        self._beats, beats = _spawn.Pipe(duplex=False)
        self.gate, gate = _spawn.Pipe()
        arguments = (service, listener, (counts, place), beats, gate, start)
        self._process = _spawn.Process(target=_run, args=arguments)
        self._process.start()
        beats.close()  # the process has its own
        gate.close()
        self._last_beat = monotonic()
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

    @property
    def exit_code(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return self._process.exitcode

    @property
    def sentinel(self) -> int:
        """Becomes ready when the process ends."""
        return self._process.sentinel

    def begins_to_accept(self) -> bool:
        """Hear what it tells; whether it now accepts connections for the first time."""
        accepted = self.accepts
        while self._beats.poll():
            try:
                self.accepts = self._beats.recv() == "accepts"
            except EOFError:  # it has ended
                break
            self._last_beat = monotonic()
        return self.accepts and not accepted

    @property
    def hangs(self) -> bool:
        """Whether it has told nothing for so long that it must hang."""
        return monotonic() - self._last_beat > _HANGS_S

    def stop(self) -> None:
        """Ask it to finish its requests and end."""
        self._process.terminate()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()


def serve(
    service: Service,
    listener: socket,
    pulse: "_Pulse | None" = None,
    balance: Balance | None = None,
) -> int:
    """Serve until a signal, and return the exit code; a worker has a pulse and a balance."""
    from service.app import create_app
    from service.supervision.server import Server, server_config

    settings = service.settings
    try:
        app = create_app(settings, shared=service.shared, balance=balance)
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
    give_back_large_blocks()
    logging.config.dictConfig(service.logging_config)
    pulse = _Pulse(beats)
    apart(pulse.run)
    if start == "after checks":
        gate.send(_verdict(service.settings))
    if start != "at once":
        import_module("service.app")  # takes the longest
        gate.recv()
    leave(serve(service, listener, pulse, Balance(*place)))


def _verdict(settings: Settings) -> "RecommendRequest | StartError":
    try:
        return checked_example(settings)
    except StartError as error:
        return error
