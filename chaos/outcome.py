"""The outcome of a fault: how the requests fared, and whether the limits held."""

from collections.abc import Iterable
from dataclasses import dataclass

from rich.table import Table

__all__ = ["Outcome", "as_table"]

_RECOVERY_S = 5
_FIGURES = (
    *("requests/s", "requests", "failed", "degraded"),
    *("p99 before", "during", "after", "limit"),
    *("recovery", "lost", "doubled", "survived"),
)


@dataclass(frozen=True)
class Outcome:
    """The outcome of one fault.

    Attributes:
        fault: its name.
        rate: requests per second that were sent during the fault.
        requests: number of requests before, during and after it.
        failed: requests not answered with 200; past capacity, neither with 200 nor with 503.
        may_fail: failures that a fault of this kind cannot avoid.
        degraded: share of the answers during the fault that are `degraded`.
        answered: answers per second during the fault.
        shed_ms: 99th percentile of the time to a 503; None without one.
        before_ms, during_ms, after_ms: 99th percentiles of the latency of answers.
        at_most_ms: limit of `during_ms`.
        recovery_s: seconds from the end of the fault until users are answered as before.
        lost: purchases that were acknowledged and do not count; None if none was sent.
        doubled: purchases that count more than once; None if none was sent.
        remark: further figures, as text.
        kept: whether the fault's own other conditions held.
    """

    fault: str
    rate: float
    requests: int
    failed: int
    degraded: float
    answered: float
    shed_ms: float | None
    before_ms: float
    during_ms: float
    after_ms: float
    at_most_ms: float
    recovery_s: float
    may_fail: int = 0
    lost: int | None = None
    doubled: int | None = None
    remark: str = ""
    kept: bool = True

    @property
    def survived(self) -> bool:
        """Whether all limits and conditions held."""
        in_time = self.during_ms <= self.at_most_ms and self.recovery_s <= _RECOVERY_S
        counted_once = not self.lost and not self.doubled
        return self.failed <= self.may_fail and in_time and counted_once and self.kept


def as_table(outcomes: Iterable[Outcome]) -> Table:
    """The outcomes as a table for `rich`."""
    caption = "99th percentiles in ms, recovery in s; lost and doubled are purchases"
    table = Table(caption=caption)
    table.add_column("fault", no_wrap=True)
    for figure in _FIGURES:
        table.add_column(figure, justify="right")
    for each in outcomes:
        latencies = (each.before_ms, each.during_ms, each.after_ms, each.at_most_ms)
        table.add_row(
            each.fault,
            f"{each.rate:,.0f}",
            f"{each.requests:,}",
            str(each.failed),
            f"{each.degraded:.0%}",
            *(f"{ms:.1f}" for ms in latencies),
            f"{each.recovery_s:.1f}",
            *("-" if events is None else str(events) for events in (each.lost, each.doubled)),
            "yes" if each.survived else "no",
        )
    return table
