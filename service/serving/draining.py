"""The end of a process: first nobody is sent here any more, then what was accepted is finished."""

import asyncio
import signal
import threading
from types import FrameType

from service.serving.serving import Serving

__all__ = ["drain_first"]


def drain_first(serving: Serving, drain_s: float) -> None:
    """Have SIGTERM turn readiness off, and the server shut down `drain_s` seconds later.

    It goes on answering in between, since load balancers take a while to notice. A second signal
    to the same process has it shut down at once. Only a main thread has signals; elsewhere nothing
    changes.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    shut_down = signal.getsignal(signal.SIGTERM)
    loop = asyncio.get_running_loop()

    def drain(number: int, frame: FrameType | None) -> None:
        waits = drain_s if not serving.draining else 0
        serving.draining = True
        if callable(shut_down):
            loop.call_soon_threadsafe(loop.call_later, waits, shut_down, number, frame)

    signal.signal(signal.SIGTERM, drain)
