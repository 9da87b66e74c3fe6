"""Counters of what every request brings, counted without locks by one thread alone."""

from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from service.telemetry.cells import Cells
from service.telemetry.workers import WorkerFiles

_KIND = "counter_tally"  # the library keeps a file for those that it counts itself


class Count(Cells):
    """The counter of one kind of thing; see `Cells` for who may count."""

    def __init__(self) -> None:
        super().__init__(1)

    def add(self, number: float = 1.0) -> None:
        """Count a thing, or several."""
        cells, at = self.place
        cells[at[0]] += number


class Counts:
    """A metric: a counter for each combination of values of its labels."""

    def __init__(
        self,
        name: str,
        text: str,
        registry: CollectorRegistry,
        files: WorkerFiles | None,
        labels: Sequence[str] = (),
    ) -> None:
        """Shows what is counted in a registry, or in the files of several workers.

        Args:
            name: of the metric, without `_total`.
            text: its description.
            registry: of this process.
            files: of several workers, if there are any.
            labels: their names; without any, there is one counter, from the start.
        """
        self._name, self._text, self._labels = name, text, [*labels]
        self._files = files
        self._counts: dict[tuple[str, ...], Count] = {}
        registry.register(self)
        if files is not None:
            files.on_new(_KIND, self._move)
        if not labels:
            self.of()

    def of(self, *values: str) -> Count:
        """Return the counter for values of the labels."""
        count = self._counts.get(values)
        if count is None:
            count = self._counts[values] = Count()
            if self._files is not None:
                count.move(self._files.own(_KIND), [self._key(values)])
        return count

    def collect(self) -> Iterable[CounterMetricFamily]:
        """Return what is counted, for the library."""
        family = CounterMetricFamily(self._name, self._text, labels=self._labels)
        # Of a copy, here and below: the loop's thread may add one meanwhile.
        for values, count in list(self._counts.items()):
            (total,) = count.values()
            family.add_metric(values, total)
        yield family

    def _move(self, file: MmapedDict) -> None:
        for values, count in list(self._counts.items()):
            count.move(file, [self._key(values)])

    def _key(self, values: tuple[str, ...]) -> str:
        """The key of a counter in a file, as the library reads it."""
        name = f"{self._name}_total"
        return mmap_key(self._name, name, self._labels, [*values], self._text)
