"""What happens around every request: its id, its line in the log, its share of the metrics.

And the short way to the route that is asked most.
"""

import logging
import re
from secrets import token_hex
from time import perf_counter

from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.http.problems import ProblemError
from service.serving.serving import Serving
from service.telemetry.logs import QUIET, request_id
from service.telemetry.metrics import Metrics

_log = logging.getLogger("service.access")

SANE_ID = rb"[A-Za-z0-9._:/+=-]{1,128}"
"""What a caller may choose as its request's id: nothing that could break a header or a log."""

_sane_id = re.compile(SANE_ID)


class RequestMiddleware:
    """Names, logs and counts every request.

    While the process drains it has connections closed, so that their callers go elsewhere in time.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, serving: Serving) -> None:
        self._app = app
        self._metrics = metrics
        self._serving = serving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection, as ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        started = perf_counter()
        status = 0
        name = _name(scope)
        request_id.set(name.decode())

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", name)]
                if self._serving.draining:
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        try:
            await self._app(scope, receive, send_named)
        finally:
            # Ended by a bug, or cut off at the end of a shutdown's grace, it has no status: the
            # layers around this one say 500.
            self._record(scope, status or 500, perf_counter() - started)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "other")
        self._metrics.observe_request(route, status, seconds)
        level = logging.DEBUG if route.startswith(QUIET) else logging.INFO
        if _log.isEnabledFor(level):
            facts = {"method": scope["method"], "route": route, "status": status}
            facts |= scope.get("noted", {})  # by the guard, or the endpoint
            _log.log(level, "request", extra=facts | {"took_ms": round(seconds * 1000, 3)})


class Shortcut:
    """Takes requests of one route to what answers them, past the framework's own layers.

    Those look for dependencies to close and walk through all routes, which together takes a
    twentieth of the time of a recommendation. Another method on the same path is left to them.
    """

    def __init__(self, app: ASGIApp, route: Route) -> None:
        self._app = app
        self._route = route
        self._methods = route.methods or set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection, as ASGI has it."""
        ours = scope["type"] == "http" and scope["path"] == self._route.path
        if not ours or scope["method"] not in self._methods:
            await self._app(scope, receive, send)
            return
        scope["route"] = self._route
        try:
            await self._route.app(scope, receive, send)
        except ProblemError as problem:
            await problem.response()(scope, receive, send)


def new_id() -> bytes:
    """Return the id of a request that brought none."""
    return token_hex(16).encode()


def _name(scope: Scope) -> bytes:
    """Return the id the caller sent as `X-Request-ID` if it is a sane one, else a new one."""
    for header, value in scope["headers"]:
        if header == b"x-request-id" and _sane_id.fullmatch(value):
            return bytes(value)
    return new_id()
