"""Checkpoints: where a training goes on that was killed.

Each training has a file, named by a hash of all that its result depends on. What it reads there
brings it to the same state, bit for bit, in which it was when it wrote the file.
"""

import zipfile
from collections.abc import Callable, Mapping
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import numpy.typing as npt

from index_builder.config import TrainConfig
from index_builder.embeddings.embeddings import TrainingError
from index_builder.transactions.encoded.encoding import EncodedBaskets
from service.support.files import replacing

State = Mapping[str, npt.NDArray[Any]]

_FORM = 1  # of the states
_SUFFIX = ".checkpoint.npz"


class Checkpoint:
    """The file of one training; without a folder for it, nothing is kept."""

    def __init__(self, config: TrainConfig, baskets: EncodedBaskets, *sizes: int) -> None:
        """Finds the name.

        Args:
            config: of the training.
            baskets: that it learns from.
            sizes: numbers of items, of users, and of what it is to do.
        """
        self._path: Path | None = None
        self._every_s = config.checkpoint_s
        self._last = monotonic()
        if config.checkpoints is not None:
            digest = blake2b(
                repr((version("rtt2vec"), _FORM, sizes, config.model_dump_json())).encode(),
                digest_size=16,
            )
            columns = (baskets.basket_indptr, baskets.basket_items, baskets.basket_user)
            for column in (*columns, baskets.basket_begun):
                digest.update(np.ascontiguousarray(column).data)
            self._path = config.checkpoints / f"{digest.hexdigest()}{_SUFFIX}"

    def read(self) -> State | None:
        """Return the state that was kept last; None if none was.

        Raises:
            TrainingError: the file is no checkpoint.
            OSError: it cannot be read.
        """
        if self._path is None or not self._path.exists():
            return None
        try:
            with self._path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return dict(arrays)
        except (ValueError, EOFError, zipfile.BadZipFile) as error:
            remedy = "Delete it to train from the beginning."
            raise TrainingError(
                f"{self._path}: expected a checkpoint, found {error}. {remedy}"
            ) from error

    def keep(self, state: Callable[[], State], *, at_once: bool = False) -> None:
        """Write a state in place of the one before, if that was some minutes ago.

        Raises:
            OSError: it cannot be written; the one before is still there.
        """
        if self._path is None or not (at_once or monotonic() - self._last >= self._every_s):
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self._path) as new, new.open("wb") as file:
            np.savez(file, allow_pickle=False, **state())
        self._last = monotonic()


def remove_checkpoints(folder: Path) -> None:
    """Remove all checkpoints from a folder: what they were for is done."""
    for path in folder.glob(f"*{_SUFFIX}"):
        path.unlink()
