"""The supervisor: keeps the workers of a service running until a signal.

A worker that ends is replaced at once. If a new one cannot start, further ones are tried one at a
time, after waits that double; the workers that run go on answering.
"""

import logging
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from multiprocessing.connection import wait
from pathlib import Path
from socket import socket
from time import monotonic
from typing import TYPE_CHECKING

from service.http.protocol.balance import ABSENT
from service.supervision.end_signals import EndSignals
from service.supervision.serving_process import Service, Start
from service.supervision.shared_counts import SharedCounts
from service.supervision.start_checks import StartError
from service.supervision.worker import Worker
from service.support.backoff import Backoff

if TYPE_CHECKING:
    from service.recommending.request import RecommendRequest
    from service.telemetry.workers import EndedWorkers

_logger = logging.getLogger(__name__)

_TICK_S = 0.5
_RETRY_S = (1.0, 10.0)  # from the first to the longest wait
_MARGIN_S = 10.0  # beyond drain and grace; a worker that hangs ends itself before
# No memory or no process is left, or the process ended that forks workers; it is started again.
_CANNOT_START = (OSError, EOFError)
_KILLED_S = 2.0  # for a killed process to end; one whose disk hangs does not


class Supervisor:
    """Starts workers, replaces them, and ends them."""

    def __init__(
        self,
        service: Service,
        shared: Path,
        listener: socket,
        begin: Callable[["RecommendRequest"], None],
    ) -> None:
        """Prepares; nothing is started before `run`.

        Args:
            service: what to serve.
            shared: directory of all workers.
            listener: socket on which they will accept requests.
            begin: called with a request to try, when all is checked and before anyone serves.

        Raises:
            OSError: the directory cannot be written.
        """
        self._service = service._replace(shared=shared)
        self._shared = shared
        self._listener = listener
        self._on_begin = begin
        # Workers divide the connections among themselves.
        self._counts = SharedCounts(shared, [ABSENT] * service.settings.workers)
        self._workers: list[Worker] = []
        self._retry = Backoff(*_RETRY_S)
        self._fails = False  # whether the latest start failed

    def run(self) -> int:
        """Keep workers running until a signal; return 0 if all of them ran then, and ended well.

        They drain and finish their requests. After a second signal they are killed.

        Raises:
            StartError: something that they need cannot be used.
        """
        with EndSignals.caught() as signals:
            try:
                if not self._begin(signals):
                    return 0
                while not signals.received():
                    with suppress(InterruptedError):
                        self._tend(signals)
                    wait([signals.news, *(each.news for each in self._workers)], _TICK_S)
                return self._end(signals)
            finally:
                for each in self._workers:
                    each.kill()

    def _begin(self, signals: EndSignals) -> bool:
        """Start the first workers together: one checks what they need.

        Return whether that was done before a signal came.
        """
        starts: list[Start] = ["when let in"] * self._service.settings.workers
        starts[0] = "after checks"
        try:
            for start in starts:
                self._add_worker(signals, start)
        except InterruptedError:
            return False
        except _CANNOT_START as error:
            raise StartError(f"a worker cannot start: {_reason(error)}.") from error
        checking = self._workers[0]
        ready = wait([signals.news, checking.gate])  # which closes when it ends
        if signals.news in ready:
            return False
        self._on_begin(checking.checked())
        for each in self._workers:
            each.let_in()
        return True

    def _tend(self, signals: EndSignals) -> None:
        """See what has become of the workers, and start those that are missing.

        Raises:
            InterruptedError: a signal came while one was started.
        """
        with suppress(OSError):
            self._shared.mkdir(mode=0o700, exist_ok=True)  # it may have been removed
        for each in list(self._workers):
            accepted = each.accepts
            each.hear()
            if each.accepts and not accepted:
                self._fails = False
                self._retry.reset()
            if each.exit_code is not None:
                self._workers.remove(each)
                self._counts.numbers[each.place] = ABSENT
                self._take_note(each)
            elif each.hangs:
                _logger.error("a worker hangs and is killed", extra={"worker": each.pid})
                each.kill()
        while self._may_start():
            self._start(signals)

    def _may_start(self) -> bool:
        if len(self._workers) >= self._service.settings.workers or self._retry.left_s:
            return False
        return not self._fails or all(each.accepts for each in self._workers)

    def _start(self, signals: EndSignals) -> None:
        try:
            self._add_worker(signals)
        except InterruptedError:
            raise
        except _CANNOT_START as error:
            _logger.error("a worker cannot start: %s", _reason(error))
            self._back_off()

    def _add_worker(self, signals: EndSignals, start: Start = "at once") -> None:
        taken = {each.place for each in self._workers}
        place = next(each for each in range(self._service.settings.workers) if each not in taken)
        with signals.interrupting():  # the process that forks may have to import everything
            worker = Worker(self._service, self._listener, self._counts, place, start)
            self._workers.append(worker)

    def _back_off(self) -> None:
        self._fails = True
        if not self._retry.left_s:  # several that fail together count as one
            wait_s = self._retry.fail()
            _logger.error("the next start of a worker is in %g s", wait_s)

    def _take_note(self, ended: Worker) -> None:
        stage = "running" if ended.accepts else "starting"
        facts = {"worker": ended.pid, "exit_code": ended.exit_code}
        _logger.error("a worker ended while %s", stage, extra=facts)
        try:
            self._ended_workers.add(ended.pid, stage)
        except OSError as error:
            _logger.error("the end of a worker is not counted: %s", error)
        if not ended.accepts:
            self._back_off()

    @cached_property
    def _ended_workers(self) -> "EndedWorkers":
        # Imported only when it is needed, to save the supervisor's memory.
        from service.telemetry.workers import EndedWorkers

        return EndedWorkers(self._shared)

    def _end(self, signals: EndSignals) -> int:
        self._listener.close()  # otherwise clients would connect to workers that accept no more
        for each in self._workers:
            each.stop()
        settings = self._service.settings
        last = monotonic() + settings.drain_s + settings.shutdown_grace_s + _MARGIN_S
        while running := self._running():
            wait([signals.news, *(each.news for each in running)], max(last - monotonic(), 0))
            if signals.received() or monotonic() > last:
                _logger.error("workers are killed before they have ended")
                return self._kill()
        codes = [each.exit_code for each in self._workers]
        if self._fails:
            return int(codes != [0] * settings.workers)
        # The signal may have ended a worker that had hardly begun, or kept one from beginning.
        return int(any(code not in (0, -signal.SIGTERM) for code in codes))

    def _kill(self) -> int:
        for each in self._workers:
            each.kill()
        last = monotonic() + _KILLED_S
        while (running := self._running()) and monotonic() < last:
            wait([each.news for each in running], max(last - monotonic(), 0))
        return 1

    def _running(self) -> list[Worker]:
        for each in self._workers:
            each.hear()
        return [each for each in self._workers if each.exit_code is None]


def _reason(error: Exception) -> str:
    """Why a worker cannot start."""
    if isinstance(error, EOFError | ConnectionError):
        return "the process that forks workers has ended"
    return str(error)
