"""The publish gate: whether a build has shown that it beats the simplest ways to rank.

The full system is measured beside item popularity and user frequency on the build's validation
baskets. It beats one of them if the 95 % interval of the paired difference in recall lies above
zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue
from rich.console import Console

from index_builder.measuring.intervals import Bootstrap, Interval
from index_builder.measuring.quality import K, Measured

_OPPONENTS = ("item popularity", "user frequency")
_DIGITS = 6  # in the manifest: beyond these, the order of a sum could change them

_REMEDY = (
    "Bring more days, or more baskets of the same users. Check that user_id and basket_id are "
    "right: without them, no user has a history."
)


class PublishGateError(RuntimeError):
    """The build has not shown that it is better than the simplest ways to rank."""


@dataclass(frozen=True)
class GateResult:
    """The full system beside its opponents.

    Attributes:
        system: name of the full system; empty if the data were too small to validate.
        leads: its recall minus that of each opponent, by name; empty likewise.
        baskets: number of validation baskets.
    """

    system: str
    leads: Mapping[str, Interval]
    baskets: int

    @property
    def passed(self) -> bool:
        """Whether it beats every opponent."""
        return bool(self.leads) and all(lead.low > 0 for lead in self.leads.values())

    def facts(self) -> dict[str, JsonValue]:
        """The result as it is stored in the metrics of the manifest."""
        leads: dict[str, JsonValue] = {
            name: [round(figure, _DIGITS) for figure in (lead.mean, lead.low, lead.high)]
            for name, lead in self.leads.items()
        }
        return {"passed": self.passed, "recall_leads": leads}

    def __str__(self) -> str:
        if not self.leads:
            return "The data are too small to validate: no method was measured."
        leads = "; ".join(
            f"{name} {lead.mean:+.3f} ({lead.low:+.3f} to {lead.high:+.3f})"
            for name, lead in self.leads.items()
        )
        return (
            f"Recall@{K} of {self.system} over that of {leads}. "
            f"In brackets: 95 % intervals on {self.baskets:,} validation baskets."
        )


def gate_result(measured: Mapping[str, Measured], seed: int) -> GateResult:
    """Compares the full system with its opponents.

    Args:
        measured: every method on the validation baskets, the full system last; empty if the data
            were too small to validate.
        seed: of the resamples.
    """
    if not measured:
        return GateResult("", {}, 0)
    system, ours = list(measured.items())[-1]
    bootstrap = Bootstrap(ours.users, seed)
    leads = {name: bootstrap.difference(ours.recall, measured[name].recall) for name in _OPPONENTS}
    return GateResult(system, leads, len(ours.users))


def enforce(result: GateResult, strict: bool, console: Console) -> None:
    """Prints the result, with a warning if the build did not pass.

    Args:
        result: the result.
        strict: whether a build that did not pass is refused.
        console: where it is printed.

    Raises:
        PublishGateError: the build did not pass, and `strict` is set.
    """
    if result.passed:
        console.print(f"[green]✓[/] {result}", highlight=False)
    elif strict:
        raise PublishGateError(f"{result}\nNothing was published. {_REMEDY}")
    else:
        console.print("[bold red]NOT SHOWN TO BEAT THE SIMPLEST WAYS TO RANK[/]")
        console.print(
            f"{result}\nIt is published nevertheless; --strict would refuse it. {_REMEDY}",
            style="yellow",
            highlight=False,
            soft_wrap=True,
        )
