"""Traces, as a collector receives them."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from gzip import decompress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from service.app import create_app
from service.settings import Settings
from service.telemetry.logs import JsonFormatter
from service.telemetry.metrics import STAGES
from tests.service.conftest import listening

TRACE = "0a" * 16
CALLER = "b7" * 8
ASKED = {"user_id": "user-0", "basket": ["item-0"]}


class Collector(ThreadingHTTPServer):
    """Takes OTLP over HTTP, and keeps the spans."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.spans: list[Span] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:  # the base class calls it by this name
        content = self.rfile.read(int(self.headers["content-length"]))
        if self.headers["content-encoding"] == "gzip":
            content = decompress(content)
        for resource in ExportTraceServiceRequest.FromString(content).resource_spans:
            for scope in resource.scope_spans:
                self.server.spans += scope.spans
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    server = Collector()
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def traced(bundle: Path, collector: str, share: float) -> Iterator[httpx.Client]:
    """A client of an app that has sent all its spans when the context ends."""
    app = create_app(Settings(bundle=bundle, traces=collector, trace_share=share))
    app.state.swap.start()
    with listening(app) as client:
        yield client


def test_a_request_is_a_span_with_one_for_each_stage(
    bundle_dir: Path, collector: Collector
) -> None:
    with traced(bundle_dir, collector.url, 0) as client:
        sent = {"traceparent": f"00-{TRACE}-{CALLER}-01"}  # the caller traces it
        client.post("/recommend", json=ASKED, headers=sent)
    (request,) = (span for span in collector.spans if span.kind == Span.SPAN_KIND_SERVER)
    assert request.name == "POST /recommend"
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == (TRACE, CALLER)
    stages = [span for span in collector.spans if span is not request]
    assert {span.name for span in stages} == set(STAGES)
    for span in stages:
        assert span.parent_span_id == request.span_id
        assert span.start_time_unix_nano <= span.end_time_unix_nano
        assert request.start_time_unix_nano <= span.end_time_unix_nano
        assert span.end_time_unix_nano <= request.end_time_unix_nano


@pytest.mark.parametrize(("share", "expected"), [(0, 0), (1, 1)])
def test_a_share_is_traced_where_the_caller_has_not_decided(
    bundle_dir: Path, collector: Collector, share: float, expected: int
) -> None:
    with traced(bundle_dir, collector.url, share) as client:
        client.get("/users/user-0/profile")
        client.get("/health/ready")
    assert [span.name for span in collector.spans] == ["GET /users/{user_id}/profile"] * expected


def test_a_request_that_fails_is_marked(bundle_dir: Path, collector: Collector) -> None:
    with traced(bundle_dir, collector.url, 1) as client:
        client.get("/nowhere")
    (span,) = collector.spans
    found = {each.key: each.value for each in span.attributes}
    assert span.name == "GET other"
    assert found["http.response.status_code"].int_value == 404


def test_log_lines_carry_the_trace(
    bundle_dir: Path,
    collector: Collector,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(caplog.handler, "formatter", JsonFormatter())  # it is that of all tests
    with caplog.at_level(logging.INFO), traced(bundle_dir, collector.url, 0) as client:
        client.post("/recommend", json=ASKED, headers={"traceparent": f"00-{TRACE}-{CALLER}-01"})
    lines = [json.loads(line) for line in caplog.text.splitlines() if line.startswith("{")]
    (line,) = (line for line in lines if line["message"] == "request")
    assert line["trace_id"] == TRACE


@pytest.mark.parametrize("state", ["=", "x" * 8000, ",".join(f"a{n}=b" for n in range(100))])
def test_odd_headers_of_a_caller_are_not_logged(
    bundle_dir: Path, collector: Collector, caplog: pytest.LogCaptureFixture, state: str
) -> None:
    headers = {"traceparent": f"00-{TRACE}-{CALLER}-01", "tracestate": state}
    with traced(bundle_dir, collector.url, share=1) as client:
        client.post("/recommend", json=ASKED, headers=headers).raise_for_status()
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE}


def test_without_a_collector_answers_are_the_same(bundle_dir: Path, collector: Collector) -> None:
    collector.shutdown()
    collector.server_close()
    with traced(bundle_dir, collector.url, 1) as client:
        assert client.post("/recommend", json=ASKED).status_code == 200
