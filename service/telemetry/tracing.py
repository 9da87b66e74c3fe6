"""Traces: a span for each request and for each of its stages, sent to an OpenTelemetry collector.

Imported only if the settings ask for traces.
"""

import logging
from time import time_ns

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from opentelemetry.trace import SpanKind, StatusCode, Tracer, format_trace_id, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.telemetry.logs import QUIET, trace_id
from service.telemetry.metrics import Metrics

_EXPORT_TIMEOUT_S = 2.0

_propagator = TraceContextTextMapPropagator()


class Tracing:
    """The traces of one app."""

    def __init__(self, collector: str, share: float) -> None:
        """Prepares the exporter; nothing is sent before the first request.

        Args:
            collector: URL that takes OTLP over HTTP.
            share: fraction of the requests to trace, unless their caller has decided it.
        """
        exporter = OTLPSpanExporter(f"{collector.rstrip('/')}/v1/traces", timeout=_EXPORT_TIMEOUT_S)
        self._provider = TracerProvider(
            ParentBasedTraceIdRatio(share), Resource.create({"service.name": "rtt2vec"})
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("rtt2vec")
        # It warns of every odd header, and quotes it: whoever calls could fill the log.
        logging.getLogger("opentelemetry.trace.span").setLevel(logging.ERROR)

    def middleware(self) -> Middleware:
        """Return middleware that makes a span of each request; it must be the outermost."""
        return Middleware(_TraceMiddleware, tracer=self._tracer)

    def metrics(self) -> Metrics:
        """Return metrics that also make a span of each stage."""
        return _TracedMetrics(self._tracer)

    def close(self) -> None:
        """Send the spans that are left."""
        self._provider.shutdown()


class _TraceMiddleware:
    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(QUIET):
            await self._app(scope, receive, send)
            return
        parent = _propagator.extract(Headers(scope=scope))
        method = scope["method"]
        with self._tracer.start_as_current_span(method, parent, SpanKind.SERVER) as span:
            trace_id.set(format_trace_id(span.get_span_context().trace_id))

            async def send_noted(message: Message) -> None:
                if message["type"] == "http.response.start":
                    status = message["status"]
                    span.set_attribute("http.response.status_code", status)
                    if status >= 500:
                        span.set_status(StatusCode.ERROR)
                await send(message)

            await self._app(scope, receive, send_noted)
            route = getattr(scope.get("route"), "path_format", "other")
            span.update_name(f"{method} {route}")
            span.set_attributes({"http.request.method": method, "http.route": route})


class _TracedMetrics(Metrics):
    def __init__(self, tracer: Tracer) -> None:
        super().__init__()
        self._tracer = tracer

    def observe_stage(self, stage: str, seconds: float) -> None:
        super().observe_stage(stage, seconds)
        if get_current_span().is_recording():
            now = time_ns()
            self._tracer.start_span(stage, start_time=now - round(seconds * 1e9)).end(now)
