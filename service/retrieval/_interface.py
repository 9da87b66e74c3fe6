"""The interface of a retrieval backend, and checks of its inputs."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Protocol, Self

import numpy as np

from service.support.arrays.array_types import Float32, Int32

# Scores float32 (n, k) and item indices int32 (n, k), best first, padded with -inf and -1.
Found = tuple[Float32, Int32]


class RetrievalError(ValueError):
    """An index cannot be built, loaded or searched with these inputs."""


class Retrieval(Protocol):
    """Search for the largest inner products with `rows`, float32 (n_items, 2d + 1)."""

    name: ClassVar[str]
    files: ClassVar[tuple[str, ...]]

    @property
    def parameters(self) -> dict[str, int]:
        """The parameters that `load` needs beside the files."""

    @classmethod
    def build(cls, rows: Float32, parameters: Mapping[str, int]) -> Self:
        """Index the rows; parameters that are left out have the backend's defaults."""

    @classmethod
    def load(cls, directory: Path, rows: Float32, parameters: Mapping[str, int], /) -> Self:
        """Read what `save` wrote; rows and parameters must be the same."""

    def save(self, directory: Path) -> None:
        """Write `files` into the directory; the rows themselves are stored by the caller."""

    def search(self, queries: Float32, k: int) -> Found:
        """Find the best k rows for each query, float32 (n, 2d + 1).

        Returns:
            Scores float32 (n, k), the exact inner products, descending, and item indices int32
            (n, k), ascending where scores tie; padded with -inf and -1 when fewer are found.

        Raises:
            RetrievalError: queries of another shape or with NaN or infinity, or k below 1.
        """


def checked_rows(rows: Float32) -> Float32:
    """Return the rows as contiguous float32 (n_items, width).

    Raises:
        RetrievalError: they are no table, empty, or have NaN or infinity.
    """
    if rows.ndim != 2 or 0 in rows.shape:
        raise RetrievalError(f"rows: expected a non-empty table, found shape {rows.shape}")
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    if not np.isfinite(rows).all():
        raise RetrievalError("rows: expected finite numbers, found NaN or infinity")
    return rows


def checked_queries(queries: Float32, width: int, k: int) -> Float32:
    """Return the queries as contiguous float32 (n, width).

    The libraries do not check: they answer a short query, or one with NaN, with arbitrary ids.

    Raises:
        RetrievalError: the shape is another, a value is NaN or infinity, or k is below 1.
    """
    if k < 1:
        raise RetrievalError(f"k: expected 1 or more, found {k}")
    if queries.ndim != 2 or queries.shape[1] != width:
        raise RetrievalError(f"queries: expected shape (n, {width}), found {queries.shape}")
    queries = np.ascontiguousarray(queries, dtype=np.float32)
    if not np.isfinite(queries).all():
        raise RetrievalError("queries: expected finite numbers, found NaN or infinity")
    return queries
