"""Lines of the log: those of requests are written several at a time, all others at once."""

import asyncio
import logging
import select
from contextlib import suppress
from time import time
from typing import Any

_WAIT_S = 0.01  # of a line at most; a killed process loses the lines that wait
_NEVER_SPLIT_BYTES = select.PIPE_BUF  # lines of several workers would mingle in larger writes

_SAME = vars(logging.makeLogRecord({"name": "service.access", "msg": "request"}))


class RequestRecord(logging.LogRecord):
    """That a request was answered: a record whose line may wait for those of other requests.

    The library finds out about threads, processes and the place in the code for each record, which
    takes three times as long as the rest of a line.
    """

    def __init__(self, level: int, facts: dict[str, Any]) -> None:
        """Takes the facts as attributes, as if they were passed as `extra`."""
        self.__dict__ |= _SAME
        self.levelno = level
        self.levelname = logging.getLevelName(level)
        self.created = time()
        self.__dict__ |= facts


class LineHandler(logging.StreamHandler[Any]):
    """Writes lines to stderr. Those that wait come before any that follows them."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[str] = []
        self._waiting_bytes = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, or keep its line for a moment."""
        if isinstance(record, RequestRecord):
            try:
                self._keep(f"{self.format(record)}{self.terminator}")
            except (TypeError, ValueError):  # a value that JSON does not have
                self.handleError(record)
        else:
            self._write_waiting()
            super().emit(record)

    def _keep(self, line: str) -> None:
        line_bytes = len(line.encode())
        if self._waiting_bytes + line_bytes > _NEVER_SPLIT_BYTES:
            self._write_waiting()
        if not self._waiting:
            asyncio.get_running_loop().call_later(_WAIT_S, self._write_waiting)
        self._waiting.append(line)
        self._waiting_bytes += line_bytes

    def flush(self) -> None:
        """Write the lines that wait; the library calls this at the end of the process, too."""
        self.acquire()
        try:
            lines, self._waiting, self._waiting_bytes = self._waiting, [], 0
            if lines:
                self.stream.write("".join(lines))
            super().flush()
        finally:
            self.release()

    def _write_waiting(self) -> None:
        with suppress(OSError, ValueError):  # stderr is full or closed: nobody can be told
            self.flush()
