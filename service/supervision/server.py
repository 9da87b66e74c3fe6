"""The server of one process: uvicorn, with its settings and its behaviour on signals."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable
from math import ceil
from types import FrameType
from typing import TYPE_CHECKING, Any

import uvicorn

from service.http.protocol.balance import Balance
from service.settings import Settings
from service.supervision.acceptor import Acceptor
from service.support.apart import leave_at_once

if TYPE_CHECKING:
    from fastapi import FastAPI

_logger = logging.getLogger(__name__)

END_MARGIN_S = 5.0
"""Seconds that a process may take to end beyond its drain and the grace of its requests."""


def server_config(
    app: "FastAPI", settings: Settings, logging_config: dict[str, Any]
) -> uvicorn.Config:
    """Return how uvicorn serves an app."""
    return uvicorn.Config(
        app,
        lifespan="on",
        http="service.http.protocol.shedding:SheddingProtocol",
        ws="none",
        log_config=logging_config,
        access_log=False,  # the app writes its own, with request ids
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=settings.keep_alive_s,
        timeout_graceful_shutdown=settings.shutdown_grace_s,
    )


class Server(uvicorn.Server):
    """Serves an app until a signal.

    On the first SIGTERM it drains: readiness turns off, and it goes on answering for `drain_s`
    seconds, since load balancers take a while to notice. Then, and on SIGINT at once, it finishes
    the requests it has, and ends. If it hangs, it ends all the same.

    On a second signal it ends at once, with exit code 1, unless it is a worker: there the
    supervisor decides, and a signal to the whole group of processes reaches a worker twice.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        settings: Settings,
        drain: Callable[[], None],
        balance: Balance | None = None,
    ) -> None:
        """Prepares to serve.

        Args:
            config: see `server_config`.
            settings: of the service.
            drain: turns readiness off.
            balance: of a worker, with the others.
        """
        super().__init__(config)
        self._settings = settings
        self._drain = drain
        self._balance = balance
        self._acceptor: Acceptor | None = None
        self._stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve on open sockets, until a signal."""
        self._loop = asyncio.get_running_loop()
        signal.signal(signal.SIGALRM, _end)
        await super().serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept connections; a worker does so in turn with the others."""
        if self._balance is None:
            await super().startup(sockets)
            return
        await super().startup([])
        for each in sockets or []:
            self._acceptor = Acceptor(each, self._balance, self._protocol)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more connections, and finish the requests that have come."""
        if self._acceptor is not None:
            await self._acceptor.close()
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        """Return the protocol of a new connection."""
        new: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        state = self.lifespan.state
        return new(config=self.config, server_state=self.server_state, app_state=state)

    def handle_exit(self, sig: int, _frame: FrameType | None) -> None:
        """Stop serving, on a signal."""
        if self._balance is not None and sig == signal.SIGINT:
            return  # It came from the terminal; the supervisor has it, too.
        if not self._stopping:
            self.stop(self._settings.drain_s if sig == signal.SIGTERM else 0)
        elif self._balance is None:
            leave_at_once(1)

    def stop(self, drain_s: float) -> None:
        """Stop serving after a drain of `drain_s` seconds; safe to call from any thread."""
        if self._loop is None:
            os._exit(1)  # It has not begun.
        self._stopping = True
        self._drain()
        self._loop.call_soon_threadsafe(self._loop.call_later, drain_s, self._shut_down)
        signal.alarm(ceil(drain_s + self._settings.shutdown_grace_s + END_MARGIN_S))

    def _shut_down(self) -> None:
        self.should_exit = True


def _end(_signal: int, _frame: FrameType | None) -> None:
    _logger.error("the process hangs instead of ending, and is ended")
    leave_at_once(1)
