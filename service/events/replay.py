"""Dead letters taken in again, after what was wrong has been mended."""

from itertools import islice
from typing import NamedTuple

from service.events.stream import PurchaseStream

_BATCH = 500


class Replayed(NamedTuple):
    """What became of dead letters; those that are refused again are dead letters once more."""

    new: int = 0
    known: int = 0
    quarantined: int = 0
    refused: int = 0


def replay(stream: PurchaseStream) -> Replayed:
    """Takes all dead letters in again, and returns what became of them.

    The service may run meanwhile. A replay that is interrupted is completed by the next one, and
    no event counts twice. Whoever replays trusts the clock of this machine.

    Raises:
        JournalError, OSError: not all letters were replayed; the others are still there.
    """
    letters, result = stream.letters, Replayed()
    for _ in range(2 if letters.replayed.exists() else 1):  # of an interrupted replay first
        result = result._replace(refused=0)  # they are letters again, and come in the second round
        if letters.set_apart():
            events = letters.read_replayed()
            while batch := list(islice(events, _BATCH)):
                taken = stream.take(batch, clock_is_right=True)
                result = Replayed(*(a + b for a, b in zip(result, taken[:4], strict=True)))
            letters.forget_replayed()
    return result
