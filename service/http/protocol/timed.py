"""Limits of time: for a request to arrive, and for an answer to be read."""

import asyncio
from http import HTTPStatus
from typing import Any, cast

from service.http.protocol.connections import Connections
from service.http.protocol.joined import JoinedWrites
from service.http.protocol.limited import LimitedProtocol, refusal

_TOO_SLOW = refusal(HTTPStatus.REQUEST_TIMEOUT)


class TimedProtocol(LimitedProtocol):
    """Cuts off clients that are too slow; one of the worker's `Connections`, in the app's state."""

    _connections: Connections
    _joined: JoinedWrites
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a request."""
        super().connection_made(cast(asyncio.Transport, transport))
        # So that `pause_writing` reports every answer that is not read at once.
        self.transport.set_write_buffer_limits(high=0)
        self._joined = JoinedWrites(self.transport, self.loop)
        self._connections = self.app_state["connections"]
        self._connections.use(self)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._cancel_deadline()
        self._connections.forget(self)
        super().connection_lost(exc)

    def eof_received(self) -> Any:  # a bool, which asyncio asks for; Uvicorn declares None
        """Answer what a client asked for that sends no more, and then close: it may still read."""
        if self.awaits_answer:
            self.cycle.keep_alive = False
        return self.awaits_answer

    def data_received(self, data: bytes) -> None:
        """Parse `data`, and wait for the rest."""
        super().data_received(data)
        self._wait()

    def on_headers_complete(self) -> None:
        """Have the answer written as a whole if that is possible."""
        super().on_headers_complete()
        self.cycle.transport = self._joined

    def on_message_complete(self) -> None:
        """Give the next request a time of its own."""
        self._cancel_deadline()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request; one that waits already lets other connections go first."""
        self._joined.flush()
        if self.pipeline and not self.transport.is_closing():
            self._connections.in_turn(self._go_on)
        else:
            self._go_on()

    def _go_on(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing():
            self._connections.use(self)
            self._wait()

    def pause_writing(self) -> None:
        """Wait until the client reads what it asked for."""
        super().pause_writing()
        self._wait()

    def resume_writing(self) -> None:
        """Wait no longer."""
        super().resume_writing()
        self._wait()

    @property
    def awaits_answer(self) -> bool:
        """Whether a whole request is being answered."""
        is_answering = self.cycle is not None and not self.cycle.response_complete
        return is_answering and (self._in_head or not self._in_message)

    def cut(self) -> None:
        """Close the connection, though a request or an answer is not at its end."""
        if self.flow.write_paused:
            self.transport.abort()
        elif self._in_message:
            self.refuse(_TOO_SLOW)
        else:
            self.transport.close()

    def _is_unfinished(self) -> bool:
        """Whether a request has not arrived whole, or an answer is not read."""
        return self._in_message or self.flow.write_paused

    def _wait(self) -> None:
        """Wait for what the client has to do: finish something, or begin something new."""
        if self._is_unfinished():
            if self._deadline is None:
                wait_s = self._connections.timeout_s
                self._deadline = self.loop.call_later(wait_s, self._time_out)
            self._connections.hold(self, self._held_bytes())
            return
        self._cancel_deadline()
        self._connections.release(self)
        is_idle = self.cycle is None or self.cycle.response_complete
        if is_idle and self.timeout_keep_alive_task is None and not self.transport.is_closing():
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _held_bytes(self) -> int:
        """The bytes that are kept of a request or an answer."""
        is_collected = self.cycle is not None and not self.cycle.response_complete
        return self.transport.get_write_buffer_size() + self._body_bytes * is_collected

    def _time_out(self) -> None:
        self._deadline = None
        self._connections.observe("timeout")
        self.cut()

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
