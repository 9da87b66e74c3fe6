"""Cells: numbers that one thread adds to, in its own memory or in a file of several workers."""

from collections.abc import Sequence
from typing import TypeAlias

from service.telemetry.metric_file import MetricFile

_Numbers: TypeAlias = "list[float] | memoryview[float]"


class Cells:
    """Some numbers, all 0 at first.

    Only the event loop's thread may add to them: a lock takes longer than to count. Numbers are at
    once where they are read: in this process, or in the file that it shares with other workers.

    Attributes:
        place: where the numbers are, and which of those there. Together, since another thread may
            move them while this one counts.
    """

    def __init__(self, count: int) -> None:
        """Takes how many there are."""
        self.place: tuple[_Numbers, Sequence[int]] = [0.0] * count, tuple(range(count))

    def values(self) -> list[float]:
        """Return the numbers."""
        cells, at = self.place
        return [cells[each] for each in at]

    def move(self, file: MetricFile, keys: Sequence[str]) -> bool:
        """Count in a file from now on, beginning with what it has and what was counted in memory.

        Return whether it has room for that; if not, the numbers stay where they are.

        Args:
            file: takes the numbers.
            keys: of each of them.
        """
        place = file.cells(keys)
        if place is None:
            return False
        cells, at = place
        if isinstance(self.place[0], list):
            for each, number in zip(at, self.values(), strict=True):
                cells[each] += number
        self.place = place
        return True
