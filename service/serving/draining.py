"""Draining: a process that is told to stop first loses its traffic, then finishes its requests."""

import asyncio
import signal
import threading
from types import FrameType

from service.serving.serving import Serving


def drain_first(serving: Serving, drain_s: float) -> None:
    """Make SIGTERM turn readiness off at once, and shut the server down `drain_s` seconds later.

    In between the process still answers, since load balancers take a while to notice. A second
    signal shuts it down at once. Signals reach the main thread only; in other threads this does
    nothing.
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
