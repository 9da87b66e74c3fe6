"""The load generator in its own process."""

from pathlib import Path
from shutil import which

import pytest

from bench.processes import CORES
from bench.serving.load import generator
from bench.serving.wrk import Wrk
from tests.service.conftest import Served

BODIES = [b'{"k": 1}', b'{"k": 0}']


def test_a_constant_rate_sends_what_is_due(served: Served) -> None:
    with generator(BODIES, {CORES[-1]}) as load:
        found = load.open(f"{served.url}/recommend", 40, 0.5, 2)
    assert (len(found.result.times_ms), found.result.failures) == (10, 10)
    assert found.cpu_s > 0
    assert found.busy == found.cpu_s / found.result.seconds


def test_a_closed_loop_may_have_bodies_of_its_own(served: Served) -> None:
    with generator(BODIES, {CORES[-1]}) as load:
        found = load.closed(f"{served.url}/recommend", 0.2, 2, BODIES[:1])
    assert found.result.times_ms
    assert found.result.failures == 0


def test_throughput_comes_with_failures(served: Served) -> None:
    with generator(BODIES, {CORES[-1]}) as load:
        found = load.throughput(f"{served.url}/recommend", 0.2, 2)
    assert found.rate > 0
    assert abs(found.answers - 2 * found.failures) <= 2  # one more for each connection


@pytest.mark.skipif(which("wrk") is None, reason="wrk is not installed")
def test_wrk_sends_each_body_in_turn(served: Served) -> None:
    url, program = f"{served.url}/recommend", which("wrk") or ""
    good = Wrk(program, BODIES[:1], {CORES[-1]})
    assert good.version.startswith("wrk")
    assert good.throughput(url, 1, 1).failures == 0
    both = Wrk(program, BODIES, {CORES[-1]}).throughput(url, 1, 1)
    assert both.busy > 0
    assert abs(both.answers - 2 * both.failures) <= 1


@pytest.mark.parametrize(("shown", "ms"), [("250.00us", 0.25), ("7.50ms", 7.5), ("1.21s ", 1210)])
def test_what_wrk_prints_is_read_in_any_unit(shown: str, ms: float, tmp_path: Path) -> None:
    program = tmp_path / "wrk"
    lines = f"     50%  120.00us\n     99%    {shown}\n  46 requests in 3.06s\nRequests/sec:  15.03"
    program.write_text(f"#!/bin/sh\necho '{lines}'\n")
    program.chmod(0o755)
    found = Wrk(str(program), BODIES, {CORES[-1]}).throughput("http://nowhere", 1, 1)
    assert (found.p50_ms, found.p99_ms) == pytest.approx((0.12, ms))
    assert (found.answers, found.rate) == (46, 15.03)
