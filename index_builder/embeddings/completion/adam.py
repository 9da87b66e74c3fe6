"""Adam (Kingma and Ba, ICLR 2015) for a table of which a step moves some rows."""

from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Annotated

import numpy as np

from service.support.arrays.array_types import Float32, Int64
from service.support.compiled.compilation import compiled
from service.support.compiled.layout import Layout

_PIECE_ROWS = 512  # that one thread moves at once
_FAST = {"reassoc", "contract", "nsz"}
_FIRST_DECAY = np.float32(0.9)
_SECOND_DECAY = np.float32(0.999)
_EPSILON = np.float32(1e-8)


class Adam:
    """A table, (n, width) float32, and the moments of its gradient.

    Attributes:
        table: moved in place.
    """

    def __init__(self, table: Float32, decay: float) -> None:
        """Begin with this table; `decay` weighs half the squared length of a row in its loss."""
        self.table = table
        self._decay = np.float32(decay)
        self._moments = np.zeros_like(table), np.zeros_like(table)

    def state(self) -> Sequence[Float32]:
        """The table, and the moments of its gradient."""
        return self.table, *self._moments

    def resume(self, state: Sequence[Float32]) -> None:
        """Go on from where another one was."""
        self.table, *moments = state
        self._moments = moments[0], moments[1]

    def step(self, rows: Int64, gradient: Float32, steps: int, rate: float, pool: Executor) -> None:
        """Moves some rows against their gradient; the others stay.

        Args:
            rows: (r,) distinct rows.
            gradient: (r, width) of the mean loss.
            steps: number of this step, from 1 on.
            rate: the learning rate.
            pool: runs the work.
        """

        def move(start: int) -> None:
            piece = slice(start, start + _PIECE_ROWS)
            _move(
                rows[piece], gradient[piece], steps, np.float32(rate), self._decay,
                self.table, *self._moments,
            )  # fmt: skip

        list(pool.map(move, range(0, len(rows), _PIECE_ROWS)))


@compiled(fastmath=_FAST)
def _move(
    rows: Int64,
    gradient: Annotated[Float32, Layout(axes=2)],
    steps: int,
    rate: np.float32,
    decay: np.float32,
    table: Annotated[Float32, Layout(axes=2, written=True)],
    first: Annotated[Float32, Layout(axes=2, written=True)],
    second: Annotated[Float32, Layout(axes=2, written=True)],
) -> None:
    """Moves these rows; `first` and `second` are the running means of gradient and its square."""
    first_scale = np.float32(1 / (1 - _FIRST_DECAY**steps))
    second_scale = np.float32(1 / (1 - _SECOND_DECAY**steps))
    for place in range(len(rows)):
        row = rows[place]
        for column in range(table.shape[1]):
            slope = gradient[place, column] + decay * table[row, column]
            mean = _FIRST_DECAY * first[row, column] + (1 - _FIRST_DECAY) * slope
            square = _SECOND_DECAY * second[row, column] + (1 - _SECOND_DECAY) * slope * slope
            first[row, column], second[row, column] = mean, square
            table[row, column] -= (
                rate * mean * first_scale / (np.sqrt(square * second_scale) + _EPSILON)
            )
