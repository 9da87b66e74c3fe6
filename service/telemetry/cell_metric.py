"""A metric of what every request brings, counted without locks by one thread alone."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, Generic, TypeVar

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.mmap_dict import mmap_key

from service.telemetry.cells import Cells
from service.telemetry.workers import WorkerFiles

_Cells = TypeVar("_Cells", bound=Cells)


class CellMetric(ABC, Generic[_Cells]):
    """Cells for each combination of values of the labels; see `Cells` for who may count.

    Attributes:
        kind: of the file, if there are several workers (see `WorkerFiles.take`).
    """

    kind: ClassVar[str]

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
            name: of the metric, as a registry has it: of a counter, without `_total`.
            text: its description.
            registry: of this process.
            files: of several workers, if there are any.
            labels: their names; without any, there is one combination, from the start.
        """
        self._name, self._text, self._labels = name, text, [*labels]
        self._files = files
        self._cells: dict[tuple[str, ...], _Cells] = {}
        registry.register(self)
        if not labels:
            self.of()

    def of(self, *values: str) -> _Cells:
        """Return the cells for values of the labels."""
        cells = self._cells.get(values)
        if cells is None:
            cells = self._new()
            if self._files is not None:
                self._files.take(self.kind, cells, self._keys(values))
            self._cells[values] = cells
        return cells

    @abstractmethod
    def collect(self) -> Iterable[Metric]:
        """Return what is counted, for the library."""

    @abstractmethod
    def _new(self) -> _Cells:
        """Make cells for another combination of values."""

    @abstractmethod
    def _keys(self, values: tuple[str, ...]) -> list[str]:
        """The key of each cell in a file."""

    def _key(self, suffix: str, values: Sequence[str], **more: str) -> str:
        """The key of a sample, as the library writes it; `more` are labels beside the metric's."""
        labels, values = [*self._labels, *more], [*values, *more.values()]
        key: str = mmap_key(self._name, f"{self._name}{suffix}", labels, values, self._text)
        return key

    def _counted(self) -> Iterator[tuple[tuple[str, ...], _Cells]]:
        # Of a copy: the loop's thread may add some meanwhile.
        yield from list(self._cells.items())
