"""A worker: a process that serves, as its supervisor sees it."""

import os
import signal
import sys
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, SpawnContext
from socket import socket
from time import monotonic
from typing import TYPE_CHECKING

from service.supervision.serving_process import Service, Start, run
from service.supervision.shared_counts import SharedCounts
from service.supervision.start_checks import StartError

if TYPE_CHECKING:
    from service.recommending.request import RecommendRequest


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

_UNKNOWN = 255  # of `multiprocessing`, for an exit code that nobody could wait for
_HANGS_S = 10.0  # without a beat: then not even a thread of the process runs


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
        counts: SharedCounts,
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
        self._process = _processes.Process(target=run, args=arguments)
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
    def news(self) -> Connection | int:
        """Becomes ready when it tells something, or ends."""
        return self._process.sentinel if self._ended else self._beats

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
