"""Counters of what every request brings."""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily

from service.telemetry.cell_metric import CellMetric
from service.telemetry.cells import Cells


class Count(Cells):
    """The counter of one kind of thing."""

    def __init__(self) -> None:
        super().__init__(1)

    def add(self, number: float = 1.0) -> None:
        """Count a thing, or several."""
        cells, at = self.place
        cells[at[0]] += number


class Counts(CellMetric[Count]):
    """A counter for each combination of values of the labels."""

    kind = "counter_tally"

    def collect(self) -> Iterable[CounterMetricFamily]:
        """Return what is counted, for the library."""
        family = CounterMetricFamily(self._name, self._text, labels=self._labels)
        for values, count in self._counted():
            (total,) = count.values()
            family.add_metric(values, total)
        yield family

    def _new(self) -> Count:
        return Count()

    def _keys(self, values: tuple[str, ...]) -> list[str]:
        return [self._key("_total", values)]
