"""Checkpoints: where a training goes on that was killed.

Each training has a file, named by a hash of all that its result depends on, which stands in the
file, too. What it reads there brings it to the same state, bit for bit, in which it was when it
wrote the file: a digest in front of the arrays tells whether they are those that were written.
"""

from collections.abc import Callable, Mapping
from hashlib import blake2b, file_digest
from importlib.metadata import version
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from index_builder.config import TrainConfig
from index_builder.embeddings.embeddings import TrainingError
from index_builder.transactions.encoded.encoding import EncodedBaskets
from service.support.files import replacing

State = Mapping[str, npt.NDArray[Any]]

_FORM = 3  # of the files
_SUFFIX = ".checkpoint.npz"
_TRAINING = "training"  # the array with the hash
_DIGEST_BYTES = blake2b().digest_size
_REMEDY = "Delete it to train from the beginning."


class Form(NamedTuple):
    """What an array of a state is made of."""

    dtype: str
    shape: tuple[int, ...]

    @classmethod
    def of(cls, array: npt.NDArray[Any]) -> "Form":
        """The form of an array."""
        return cls(array.dtype.name, array.shape)

    def __str__(self) -> str:
        return f"{self.dtype} {self.shape}"


Forms = Mapping[str, Form]


def forms_of(state: State) -> Forms:
    """The forms of the arrays of a state."""
    return {name: Form.of(array) for name, array in state.items()}


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
        self._training = b""
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
            self._training = digest.digest()
            self._path = config.checkpoints / f"{digest.hexdigest()}{_SUFFIX}"

    def read(self, forms: Forms) -> State | None:
        """Return the state that was kept last; None if none was.

        Args:
            forms: of the arrays of a state of this training, by name.

        Raises:
            TrainingError: the file is no checkpoint, or that of another training.
            OSError: it cannot be read.
        """
        if self._path is None or not self._path.exists():
            return None
        state = dict(_arrays(self._path))
        training = state.pop(_TRAINING, np.empty(0, np.uint8)).tobytes()
        _check_forms(self._path, forms, forms_of(state))
        if training != self._training:
            found = f"{training.hex()}{_SUFFIX}" if training else "one without a name"
            raise TrainingError(
                f"{self._path}: expected the checkpoint of this training, found {found}, of other "
                f"data or settings. {_REMEDY}"
            )
        return state

    def keep(self, state: Callable[[], State], *, at_once: bool = False) -> None:
        """Write a state in place of the one before, if that was some minutes ago.

        Raises:
            OSError: it cannot be written; the one before is still there.
        """
        if self._path is None or not (at_once or monotonic() - self._last >= self._every_s):
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self._path) as new, new.open("w+b") as file:
            file.write(bytes(_DIGEST_BYTES))
            training = np.frombuffer(self._training, np.uint8)
            np.savez(file, allow_pickle=False, **{_TRAINING: training}, **state())
            file.seek(_DIGEST_BYTES)
            digest = file_digest(file, blake2b).digest()
            file.seek(0)
            file.write(digest)
        self._last = monotonic()


def _arrays(path: Path) -> State:
    """The arrays of a file.

    Raises:
        TrainingError: it is damaged, or no checkpoint.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        written = file.read(_DIGEST_BYTES)
        if file_digest(file, blake2b).digest() != written:  # or numpy would believe its sizes
            raise TrainingError(f"{path}: expected a checkpoint, found other bytes. {_REMEDY}")
        file.seek(_DIGEST_BYTES)
        with np.load(file, allow_pickle=False) as arrays:
            return dict(arrays)


def _check_forms(path: Path, expected: Forms, found: Forms) -> None:
    for name in (*expected, *found):
        if expected.get(name) != found.get(name):
            raise TrainingError(
                f"{path}: {name}: expected {expected.get(name, 'none')}, "
                f"found {found.get(name, 'none')}: it is of another training. {_REMEDY}"
            )


def remove_checkpoints(folder: Path) -> None:
    """Remove all checkpoints from a folder, half-written ones too: what they were for is done."""
    for pattern in (f"*{_SUFFIX}", f".*{_SUFFIX}-*"):
        for path in folder.glob(pattern):
            path.unlink()
