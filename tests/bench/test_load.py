"""The load generator in its own process."""

from bench.load import generator
from bench.processes import CORES
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
