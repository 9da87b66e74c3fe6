"""The result of a load test."""

from dataclasses import dataclass, field

__all__ = ["Result"]

_PERCENTILES = (50, 90, 99, 99.9)


@dataclass
class Result:
    """The answers to a number of requests.

    Attributes:
        seconds: length of the test.
        times_ms: latencies of the requests answered with 200, in the order of the answers.
        failures: number of requests answered otherwise, or not at all.
        shed_ms: time from sending to the answer of those answered 503.
    """

    seconds: float = 0.0
    times_ms: list[float] = field(default_factory=list)
    failures: int = 0
    shed_ms: list[float] = field(default_factory=list)

    def record(self, time_ms: float, answered: bool) -> None:
        """Record one request."""
        if answered:
            self.times_ms.append(time_ms)
        else:
            self.failures += 1

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.times_ms) / self.seconds

    def percentile_ms(self, percent: float) -> float:
        """Return a percentile of the latencies, in ms."""
        return sorted(self.times_ms)[int(percent / 100 * (len(self.times_ms) - 1))]

    def summary(self) -> dict[str, float]:
        """Return the figures by name."""
        figures = {f"p{percent:g}_ms": self.percentile_ms(percent) for percent in _PERCENTILES}
        return {"requests_per_s": self.rate, "failures": self.failures} | figures

    def __str__(self) -> str:
        p50, p95, p99 = (f"p{p} {self.percentile_ms(p):.1f} ms" for p in (50, 95, 99))
        return f"{self.rate:.0f} requests/s  {p50}  {p95}  {p99}  {self.failures} failures"
