"""The figures of a load test."""

from loadtest.result import Result


def test_the_percentiles_by_hand() -> None:
    result = Result(seconds=2, times_ms=[float(n) for n in range(100, -1, -1)], failures=3)
    summary = result.summary()
    assert (summary["p50_ms"], summary["p90_ms"], summary["p99_ms"]) == (50, 90, 99)
    assert summary["requests_per_s"] == 50.5
    assert summary["failures"] == 3
    assert str(result) == "50 requests/s  p50 50.0 ms  p95 95.0 ms  p99 99.0 ms  3 failures"


def test_a_failure_has_no_latency() -> None:
    result = Result()
    result.record(1.5, answered=True)
    result.record(9.5, answered=False)
    assert (result.times_ms, result.failures) == ([1.5], 1)
