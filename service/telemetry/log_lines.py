"""Lines of the log: those of requests are written several at a time, all others at once.

Nothing waits for whoever reads the log. While a pipe is full, lines are kept, and lost beyond a
limit: a log that nobody reads must not keep a worker from answering.
"""

import asyncio
import logging
import os
import select
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from time import monotonic, time
from typing import Any

_WAIT_S = 0.01  # of a line at most; a killed process loses the lines that wait
_NEVER_SPLIT_BYTES = select.PIPE_BUF  # lines of several workers would mingle in larger writes
_PIECE_CHARS = _NEVER_SPLIT_BYTES // 4  # of a longer line; a character has four bytes at most
_KEPT_BYTES = 1 << 20  # while they cannot be written
_END_S = 0.5  # for lines that wait at the end of the process

_SAME = vars(logging.makeLogRecord({"name": "service.access", "msg": "request"}))


class RequestRecord(logging.LogRecord):
    """That a request was answered: a record whose line may wait for those of other requests.

    The library finds out about threads, processes and the place in the code for each record, which
    takes three times as long as the rest of a line.

    Attributes:
        facts: what it says of the request.
    """

    def __init__(self, level: int, facts: dict[str, Any]) -> None:
        """Takes the facts as attributes, as if they were passed as `extra`."""
        self.__dict__ = _SAME | facts
        self.levelno, self.levelname = level, logging.getLevelName(level)
        self.created = time()
        self.facts = facts


class LineHandler(logging.StreamHandler[Any]):
    """Writes lines to stderr. Those that wait come before any that follows them.

    Attributes:
        on_lost: called for each line that is lost, since too many wait.
    """

    def __init__(self) -> None:
        super().__init__()
        self.on_lost: Callable[[], None] = lambda: None
        self._waiting: deque[bytes] = deque()  # lines, and pieces of very long ones
        self._waiting_bytes = 0
        self._lost = 0  # lines since the last one that was kept
        self._timed: asyncio.AbstractEventLoop | None = None  # that will write what waits
        os.register_at_fork(after_in_child=self._forget)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, or keep its line for a moment."""
        try:
            line = self._line(record)
        except (TypeError, ValueError, LookupError):  # a value that JSON does not have, or a bug
            self.handleError(record)
            return
        self._keep(line)
        if isinstance(record, RequestRecord):
            self._write_soon()
        else:
            self._write_waiting()

    def flush(self) -> None:
        """Write the lines that wait, as far as they are taken at once."""
        self._write(wait_s=0)

    def close(self) -> None:
        """Write the lines that wait, or lose them; the library calls this at the process's end."""
        with suppress(OSError, ValueError):
            self._write(_END_S)
        for _ in range(sum(each.endswith(b"\n") for each in self._waiting)):
            self.on_lost()
        self._forget()
        super().close()

    def _keep(self, line: bytes) -> None:
        if self._waiting_bytes + len(line) > _NEVER_SPLIT_BYTES:
            self._write_waiting()
        if self._waiting_bytes + len(line) > _KEPT_BYTES:
            self._lost += 1
            self.on_lost()
            return
        if self._lost:
            self._append(self._notice())  # beyond the limit, if need be
        self._append(line)

    def _line(self, record: logging.LogRecord) -> bytes:
        return self.format(record).encode() + b"\n"

    def _notice(self) -> bytes:
        """Return a line that tells of those that were lost since the last one."""
        lost, self._lost = self._lost, 0
        facts = {"levelname": "ERROR", "name": __name__, "msg": "lines of the log are lost"}
        return self._line(logging.makeLogRecord(facts | {"lines": lost}))

    def _append(self, line: bytes) -> None:
        self._waiting_bytes += len(line)
        if len(line) <= _NEVER_SPLIT_BYTES:
            self._waiting.append(line)
        else:
            text = line.decode()
            starts = range(0, len(text), _PIECE_CHARS)
            self._waiting.extend(text[at : at + _PIECE_CHARS].encode() for at in starts)

    def _write_soon(self) -> None:
        if self._timed is not (loop := asyncio.get_running_loop()):
            self._timed = loop
            loop.call_later(_WAIT_S, self._write_in_time)

    def _write_in_time(self) -> None:
        self._timed = None
        self._write_waiting()
        if self._waiting:
            self._write_soon()

    def _write_waiting(self) -> None:
        with suppress(OSError, ValueError):  # stderr is full or closed: nobody can be told
            self.flush()

    def _write(self, wait_s: float) -> None:
        """Write what waits, as long as there is room for more within so many seconds."""
        until = monotonic() + wait_s
        self.acquire()
        try:
            while self._waiting and self._has_room(max(until - monotonic(), 0)):
                self._remove(self._put(self._next()))
        finally:
            self.release()

    def _next(self) -> bytes:
        """Return what can be written at once."""
        size, count = 0, 0
        for each in self._waiting:
            size += len(each)
            if count and size > _NEVER_SPLIT_BYTES:
                break
            count += 1
        return b"".join(islice(self._waiting, count))

    def _put(self, data: bytes) -> int:
        """Write to stderr, and return how many bytes it took.

        Its buffer is passed by: nobody could say how much of it was written before an error.
        """
        try:
            descriptor = self.stream.fileno()
        except (AttributeError, OSError):  # it is no file of the system
            self.stream.write(data.decode())
            super().flush()
            return len(data)
        return os.write(descriptor, data)

    def _remove(self, size: int) -> None:
        """Take out so many bytes, which were written."""
        self._waiting_bytes -= size
        while self._waiting and size >= len(self._waiting[0]):
            size -= len(self._waiting.popleft())
        if size:
            self._waiting[0] = self._waiting[0][size:]

    def _has_room(self, wait_s: float) -> bool:
        """Return whether stderr takes as much as is written at once.

        Another worker may fill a pipe in between, and this one waits for its reader; but a worker
        that finds it full never does.
        """
        try:
            descriptor = self.stream.fileno()
        except (AttributeError, OSError, ValueError):  # it is no file of the system, or closed
            return True
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT)
        return bool(poll.poll(1000 * wait_s))

    def _forget(self) -> None:
        """Forget what waits: this is a copy of the process that will write it."""
        self._waiting.clear()
        self._waiting_bytes = self._lost = 0
        self._timed = None


def on_lost_line(observe: Callable[[], None]) -> None:
    """Have a function called for each line of this process's log that is lost."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, LineHandler):
            handler.on_lost = observe
