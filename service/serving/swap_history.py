"""The history of swaps: which bundles a worker answered from, which it refused, and when."""

from collections import deque
from time import time
from typing import NamedTuple

_KEPT = 50


class SwapEntry(NamedTuple):
    """A bundle that began to answer, or the reason why a newer one was refused."""

    at: float  # seconds since 1970
    bundle_id: str | None
    refused: str | None


class SwapHistory:
    """The latest entries of one worker since it started, 50 at most."""

    def __init__(self) -> None:
        self._entries: deque[SwapEntry] = deque(maxlen=_KEPT)

    def answers(self, bundle_id: str) -> None:
        """Note that a bundle answers from now on."""
        self._note(bundle_id, None)

    def refuses(self, reason: str | None) -> None:
        """Note a refusal; None is none, and one that is found again is noted once."""
        if reason is not None:
            self._note(None, reason)

    def _note(self, bundle_id: str | None, refused: str | None) -> None:
        latest = self._entries[-1] if self._entries else None
        if latest is None or (latest.bundle_id, latest.refused) != (bundle_id, refused):
            self._entries.append(SwapEntry(time(), bundle_id, refused))

    def latest(self) -> list[SwapEntry]:
        """Return the entries, the latest first."""
        return list(self._entries)[::-1]
