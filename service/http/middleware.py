"""Middleware: an id, a log line and metrics for every request, and a short way to one route."""

import logging
import os
import re
from secrets import token_hex
from time import perf_counter
from typing import Any

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.http.problems import ProblemError, answer_bug
from service.http.protocol.balance import Balance
from service.serving.serving import Serving
from service.telemetry.log_lines import RequestRecord
from service.telemetry.logs import QUIET, request_id
from service.telemetry.metrics import Metrics

_log = logging.getLogger("service.access")

SAFE_ID = rb"[A-Za-z0-9._:/+=-]{1,128}"
"""Request ids that a caller may choose; they are safe in headers and logs."""

_safe_id = re.compile(SAFE_ID)

_NOTHING: dict[str, Any] = {}

_IDS = 256
_ids: list[bytes] = []  # that no request has yet
os.register_at_fork(after_in_child=_ids.clear)  # else two processes would give the same ones


class RequestMiddleware:
    """Gives every request an id, logs it and counts it.

    While the process drains, or if this worker has too many of them, it closes connections, so that
    clients open new ones elsewhere.
    """

    def __init__(
        self, app: ASGIApp, metrics: Metrics, serving: Serving, balance: Balance | None = None
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._serving = serving
        self._balance = balance

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        status = 500  # of an exception, and of a request cut off at the end of a shutdown
        name = _id(scope)
        request_id.set(name.decode())

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", name)]
                if self._is_last():
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        try:
            await self._app(scope, receive, send_named)
        finally:
            self._record(scope, status, perf_counter() - started)

    def _is_last(self) -> bool:
        """Return whether the connection is to be closed after this answer."""
        if self._serving.draining:
            return True
        return self._balance is not None and self._balance.closes_one()

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path_format", "other")
        self._metrics.observe_request(route, status, seconds)
        level = logging.DEBUG if route.startswith(QUIET) else logging.INFO
        if _log.isEnabledFor(level):
            facts = {
                "method": scope["method"],
                "route": route,
                "status": status,
                **scope.get("noted", _NOTHING),  # by the guard, or the endpoint
                "took_ms": round(seconds * 1000, 3),
            }
            _log.handle(RequestRecord(level, facts))


class Shortcut:
    """Passes requests of one route to its endpoint without the layers of the framework.

    These answer bugs, close dependencies and try one route after another, which takes a fifteenth
    of the time of a recommendation. They still answer requests to the same path with another
    method.
    """

    def __init__(self, app: ASGIApp, route: Route) -> None:
        self._app = app
        self._route = route
        self._methods = route.methods or set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection (ASGI)."""
        ours = scope["type"] == "http" and scope["path"] == self._route.path
        if not ours or scope["method"] not in self._methods:
            await self._app(scope, receive, send)
            return
        scope["route"] = self._route
        try:
            await self._route.app(scope, receive, send)
        except ProblemError as problem:
            await problem.response()(scope, receive, send)
        except Exception as bug:
            response = await answer_bug(Request(scope), bug)
            await response(scope, receive, send)
            raise  # as the framework does


def new_id() -> bytes:
    """Return an id for a request that came without one: 32 random hexadecimal digits."""
    if not _ids:
        digits = token_hex(_IDS * 16).encode()  # one call of the system for all of them
        _ids.extend(digits[at : at + 32] for at in range(0, len(digits), 32))
    return _ids.pop()


def _id(scope: Scope) -> bytes:
    """Return the caller's `X-Request-ID` if it is safe to repeat, else a new id."""
    for header, value in scope["headers"]:
        if header == b"x-request-id" and _safe_id.fullmatch(value):
            return bytes(value)
    return new_id()
