"""How the workers that share a directory divide the partitions of a topic among them.

Each holds a lock on a file of its own. The kernel releases the locks of a process that ends,
however it ends, so the others see at once that it is gone; a group of Kafka's would wait for it
until its session ends.
"""

import fcntl
import os
from collections.abc import Iterable
from itertools import count
from pathlib import Path


class Seat:
    """The place of a worker among those that live; it is given up when the process ends."""

    def __init__(self, directory: Path) -> None:
        """Takes the first seat that is free.

        Args:
            directory: of the files of all seats; it is created if it is missing.

        Raises:
            OSError: it cannot be written.
        """
        directory.mkdir(0o750, exist_ok=True)
        self._directory = directory
        for self._number in count():
            self._descriptor = os.open(directory / str(self._number), os.O_RDWR | os.O_CREAT, 0o640)
            if _lock(self._descriptor, fcntl.LOCK_EX):
                return
            os.close(self._descriptor)

    def share(self, partitions: Iterable[int]) -> frozenset[int]:
        """Return those of a topic's partitions that this worker consumes.

        For a moment after a worker has come or gone, two may have the same one, or none may.

        Raises:
            OSError: the seats cannot be looked at.
        """
        names = (each.name for each in self._directory.iterdir())
        seats = [int(name) for name in names if name.isdecimal()]
        taken = [seat for seat in seats if seat == self._number or self._is_taken(seat)]
        owners = divided(partitions, len(seats), sorted({*taken, self._number}))
        return frozenset(each for each, owner in owners.items() if owner == self._number)

    def _is_taken(self, seat: int) -> bool:
        descriptor = os.open(self._directory / str(seat), os.O_RDONLY)
        try:
            return not _lock(descriptor, fcntl.LOCK_SH)  # others may be looking, too
        finally:
            os.close(descriptor)

    def leave(self) -> None:
        """Give the seat up; the others take over its partitions."""
        os.close(self._descriptor)


def divided(partitions: Iterable[int], seats: int, taken: list[int]) -> dict[int, int]:
    """Return the seat of each partition.

    Every seat has partitions of its own. Those of a free seat are dealt out among the others, so
    that nothing else changes hands when a worker goes, or comes back.

    Args:
        partitions: of the topic, from 0.
        seats: how many there are, free ones included.
        taken: the numbers of those that are taken, at least one.
    """
    owners = {each: each % seats for each in sorted(partitions)}
    without = [each for each, owner in owners.items() if owner not in taken]
    return owners | {each: taken[n % len(taken)] for n, each in enumerate(without)}


def _lock(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
