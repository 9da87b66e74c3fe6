"""Histograms of what every request brings."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import inf

from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.utils import floatToGoString

from service.telemetry.cell_metric import CellMetric
from service.telemetry.cells import Cells
from service.telemetry.workers import WorkerFiles


class Tally(Cells):
    """The histogram of one kind of number."""

    def __init__(self, edges: Sequence[float]) -> None:
        """Takes the upper edges of the buckets, ascending, the last one infinite."""
        super().__init__(len(edges) + 1)  # the buckets, and the sum
        self._edges = edges

    def observe(self, value: float) -> None:
        """Count a number."""
        cells, at = self.place
        cells[at[bisect_left(self._edges, value)]] += 1.0
        cells[at[-1]] += value


class Tallies(CellMetric[Tally]):
    """A histogram for each combination of values of the labels."""

    kind = "histogram"

    def __init__(
        self,
        name: str,
        text: str,
        edges: Sequence[float],
        registry: CollectorRegistry,
        files: WorkerFiles | None,
        labels: Sequence[str] = (),
    ) -> None:
        """Takes the upper edges of the buckets, ascending; the rest is as in `CellMetric`."""
        self._edges = (*edges, inf)
        self._edge_names = [floatToGoString(edge) for edge in self._edges]
        super().__init__(name, text, registry, files, labels)

    def collect(self) -> Iterable[HistogramMetricFamily]:
        """Return what is counted, for the library."""
        family = HistogramMetricFamily(self._name, self._text, labels=self._labels)
        for values, tally in self._counted():
            *buckets, total = tally.values()
            below = list(zip(self._edge_names, accumulate(buckets), strict=True))
            family.add_metric(values, below, total)
        yield family

    def _new(self) -> Tally:
        return Tally(self._edges)

    def _keys(self, values: tuple[str, ...]) -> list[str]:
        of_buckets = [self._key("_bucket", values, le=edge) for edge in self._edge_names]
        return [*of_buckets, self._key("_sum", values)]
