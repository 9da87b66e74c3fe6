"""A process that serves: the only one of a service, or a worker of several."""

import logging
import logging.config
import os
import signal
from contextlib import suppress
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from service.http.protocol.balance import Balance
from service.settings import Settings
from service.supervision.code import load_code
from service.supervision.shared_counts import SharedCounts
from service.supervision.start_checks import StartError, checked
from service.support.apart import apart, leave
from service.support.memory import give_back_large_blocks

if TYPE_CHECKING:
    from service.bundle.bundle import LoadBundle
    from service.supervision.server import Server

_logger = logging.getLogger(__name__)

_BEAT_S = {"starts": 0.05, "accepts": 1.0}
"""Seconds between two beats, by what they say; the first moment of accepting should be known.

The last message of a worker is its exit code.
"""

Start = Literal["at once", "when let in", "after checks"]
"""When a worker serves. The first ones wait until one of them has checked all that they need."""


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


def run(
    service: Service,
    listener: socket,
    place: tuple[SharedCounts, int],
    beats: Connection,
    gate: Connection,
    start: Start,
) -> None:
    """Be a worker.

    Args:
        service: what to serve.
        listener: where to accept connections.
        place: how many connections each worker has in use, and which of them is this one's.
        beats: where to tell that the worker lives, and at last its exit code.
        gate: where to tell what came of the checks, and to wait until it may serve.
        start: when to serve.
    """
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
    counts, own = place
    code = serve(service, listener, pulse, Balance(counts.numbers, own), load)
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
