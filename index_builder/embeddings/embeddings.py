"""Embeddings: the vectors that training makes, its progress, and the check of the vectors."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from service.support.arrays.array_types import Float32, Float64

_PIECE = 1 << 14  # rows that are checked together
_COLLAPSED_COSINE = 0.98  # mean over pairs of rows; healthy tables stay below .5


class TrainingError(RuntimeError):
    """Training failed, or its vectors are not usable."""


@dataclass(frozen=True)
class Embeddings:
    """The trained vectors; a cohesion score is p_i·q_j + p_i·h_u + q_j·h_u.

    Attributes:
        item_p: (n_items, d) float32.
        item_q: (n_items, d) float32.
        user_h: (n_users, d) float32; zero for a user without any pair of items.
    """

    item_p: Float32
    item_q: Float32
    user_h: Float32


@dataclass(frozen=True)
class Step:
    """Progress of training.

    Attributes:
        lines: lines of the baskets seen so far; for triple2vec the triples, one for each line.
        loss: the mean loss since the last step, of a basket or of a term of a triple.
    """

    lines: int
    loss: float


def log_share(counts: npt.NDArray[np.integer]) -> Float64:
    """Returns the log of each count's share of their sum; a zero counts as a half."""
    shares: Float64 = np.log(np.maximum(counts, 0.5) / max(1, counts.sum()))
    return shares


def check(embeddings: Embeddings) -> None:
    """Refuses vectors that are not usable.

    Raises:
        TrainingError: a table holds NaN or infinity, or its rows all point the same way.
    """
    _check_finite("user_h", embeddings.user_h)
    check_items(embeddings)


def check_items(embeddings: Embeddings) -> None:
    """Refuses vectors of items that are not usable.

    They are few beside those of users, and take in what is not finite there with the next triple.

    Raises:
        TrainingError: see `check`.
    """
    for name in ("item_p", "item_q"):
        _check_finite(name, getattr(embeddings, name))
        cosine = _mean_cosine(getattr(embeddings, name))
        if cosine > _COLLAPSED_COSINE:
            raise TrainingError(
                f"{name}: expected vectors that differ, found a mean cosine of {cosine:.3f} "
                "between random items. Lower the learning rate, or check that the transactions "
                "hold baskets of more than one kind."
            )


def _check_finite(name: str, table: Float32) -> None:
    broken = 0
    for start in range(0, len(table), _PIECE):
        finite = np.isfinite(table[start : start + _PIECE])
        if not finite.all():
            broken += int((~finite.all(axis=1)).sum())
    if broken:
        raise TrainingError(
            f"{name}: expected finite vectors, found {broken:,} rows with NaN or infinity. "
            "Lower the learning rate."
        )


def _mean_cosine(table: Float32) -> float:
    """The mean cosine over all pairs of rows, from the sum of the unit vectors."""
    n = len(table)
    if n < 3:  # two items that are always bought together may coincide
        return 0.0
    norms = np.linalg.norm(table, axis=1, keepdims=True)
    total = (table / np.maximum(norms, np.float32(1e-20))).sum(axis=0, dtype=np.float64)
    return float((total @ total - n) / (n * (n - 1)))
