"""Histograms of what every request brings, counted without locks by one thread alone."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import inf

from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.utils import floatToGoString

from service.telemetry.cells import Cells
from service.telemetry.workers import WorkerFiles


class Tally(Cells):
    """The histogram of one kind of number; see `Cells` for who may count."""

    def __init__(self, edges: Sequence[float]) -> None:
        """Takes the upper edges of the buckets, ascending, the last one infinite."""
        super().__init__(len(edges) + 1)  # the buckets, and the sum
        self._edges = edges

    def observe(self, value: float) -> None:
        """Count a number."""
        cells, at = self.place
        cells[at[bisect_left(self._edges, value)]] += 1.0
        cells[at[-1]] += value

    def counts(self) -> tuple[list[float], float]:
        """Return how many numbers each bucket has, those below it left out, and their sum."""
        *buckets, total = self.values()
        return buckets, total


class Tallies:
    """A metric: a histogram for each value of a label, or a single one."""

    def __init__(
        self,
        name: str,
        text: str,
        edges: Sequence[float],
        registry: CollectorRegistry,
        files: WorkerFiles | None,
        label: str | None = None,
    ) -> None:
        """Shows what is counted in a registry, or in the files of several workers.

        Args:
            name: of the metric.
            text: its description.
            edges: upper edges of the buckets, ascending.
            registry: of this process.
            files: of several workers, if there are any.
            label: its name; None for a single histogram.
        """
        self._name, self._text, self._edges = name, text, (*edges, inf)
        self._labels = [] if label is None else [label]
        self._files = files
        self._tallies: dict[str, Tally] = {}
        registry.register(self)
        if files is not None:
            files.on_new("histogram", self._move)

    def of(self, value: str = "") -> Tally:
        """Return the histogram for a value of the label."""
        tally = self._tallies.get(value)
        if tally is None:
            tally = self._tallies[value] = Tally(self._edges)
            if self._files is not None:
                tally.move(self._files.own("histogram"), self._keys(value))
        return tally

    def collect(self) -> Iterable[HistogramMetricFamily]:
        """Return what is counted, for the library."""
        family = HistogramMetricFamily(self._name, self._text, labels=self._labels)
        names = [floatToGoString(edge) for edge in self._edges]
        # Of a copy, here and below: the loop's thread may add one meanwhile.
        for value, tally in list(self._tallies.items()):
            buckets, total = tally.counts()
            below = list(zip(names, accumulate(buckets), strict=True))
            family.add_metric([value] * len(self._labels), below, total)
        yield family

    def _move(self, file: MmapedDict) -> None:
        for value, tally in list(self._tallies.items()):
            tally.move(file, self._keys(value))

    def _keys(self, value: str) -> list[str]:
        """The keys of a histogram in a file, as the library reads them."""
        values = [value] * len(self._labels)
        of_buckets = [
            mmap_key(
                self._name,
                f"{self._name}_bucket",
                [*self._labels, "le"],
                [*values, floatToGoString(edge)],
                self._text,
            )
            for edge in self._edges
        ]
        total = mmap_key(self._name, f"{self._name}_sum", self._labels, values, self._text)
        return [*of_buckets, total]
