"""Signals to end the process, which it takes note of instead of ending."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket, socketpair

_NUMBERS = (signal.SIGTERM, signal.SIGINT)


class EndSignals:
    """The signals to end that have come; of the main thread.

    Attributes:
        news: can be read, and waited for, while there are some that nobody has received.
    """

    def __init__(self, news: socket) -> None:
        """Takes the socket to which Python writes a byte for each signal; see `caught`."""
        self.news = news
        self._has_come = False
        self._interrupts = False

    @classmethod
    @contextmanager
    def caught(cls) -> Iterator["EndSignals"]:
        """Take note of the signals that come in the block."""
        news, sending = socketpair()
        with news, sending:
            news.setblocking(False)
            sending.setblocking(False)
            signals = cls(news)
            signal.set_wakeup_fd(sending.fileno())
            before = {number: signal.signal(number, signals._take) for number in _NUMBERS}
            try:
                yield signals
            finally:
                for number, handler in before.items():
                    signal.signal(number, handler)
                signal.set_wakeup_fd(-1)

    def received(self) -> bool:
        """Whether one more signal has come."""
        try:
            return bool(self.news.recv(1))
        except BlockingIOError:
            return False

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Have a signal end the block, also if it came before.

        Raises:
            InterruptedError: there is one.
        """
        try:
            self._interrupts = True
            if self._has_come:
                raise InterruptedError
            yield
        finally:
            self._interrupts = False

    def _take(self, *_: object) -> None:
        self._has_come = True
        # Once, since this may happen at any place of the block's beginning and end, too.
        interrupts, self._interrupts = self._interrupts, False
        if interrupts:
            raise InterruptedError
