"""What a fault did to a service under load."""

from collections.abc import Iterable
from dataclasses import dataclass

from rich.table import Table

__all__ = ["Outcome", "as_table"]

_SLOWER_MS = 10
_RECOVERY_S = 5


@dataclass(frozen=True)
class Outcome:
    """A fault and what became of the requests.

    Attributes:
        fault: what was done.
        rate: requests per second that were sent.
        requests: how many, before, during and after it.
        failed: those that were not answered with 200.
        degraded: the share of the answers that said so, while it lasted.
        before_ms, during_ms, after_ms: 99th percentiles of latency.
        recovery_s: from its end until shoppers are answered as before.
    """

    fault: str
    rate: float
    requests: int
    failed: int
    degraded: float
    before_ms: float
    during_ms: float
    after_ms: float
    recovery_s: float

    @property
    def survived(self) -> bool:
        """Whether it stayed within the limits."""
        slower = self.during_ms - self.before_ms
        return not self.failed and slower <= _SLOWER_MS and self.recovery_s <= _RECOVERY_S


def as_table(outcomes: Iterable[Outcome]) -> Table:
    """The outcomes as a table, for `rich` to print."""
    table = Table("fault", "requests/s", "requests", "failed", "degraded")
    for moment in ("before", "during", "after"):
        table.add_column(f"p99 {moment}, ms", justify="right")
    table.add_column("recovery, s", justify="right")
    table.add_column("survived")
    for each in outcomes:
        table.add_row(
            each.fault,
            f"{each.rate:g}",
            f"{each.requests:,}",
            str(each.failed),
            f"{each.degraded:.0%}",
            *(f"{ms:.1f}" for ms in (each.before_ms, each.during_ms, each.after_ms)),
            f"{each.recovery_s:.1f}",
            "yes" if each.survived else "no",
        )
    return table
