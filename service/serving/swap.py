"""The swap: a new bundle takes over from the one that answers, and can be taken back.

All workers follow `DIR/current`; whoever moves that link, the build or this service, moves all of
them. Workers of one service also share a link to the bundle that was accepted last: one that is
started again begins with that one, and not with what the others have refused.
"""

import logging
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from service.bundle.errors import BundleError
from service.bundle.publishing import CURRENT, point_current_at
from service.business_rules.errors import RulesError
from service.serving.canary import CanaryError, replay
from service.serving.example_requests import example_requests
from service.serving.served import Served
from service.serving.serving import Serving
from service.settings import Settings
from service.support.memory import give_back
from service.telemetry.metrics import Metrics

_logger = logging.getLogger(__name__)

_ACCEPTED = "accepted"

_Sighting = tuple[int, int, Path] | None


class SwapError(Exception):
    """Another bundle cannot take over, and why."""


class Swap:
    """Brings bundles into service and back; safe to share between threads.

    Attributes:
        previous: what answered before, ready to answer again.
        refused: why the newest bundle does not answer; None if it does.
    """

    def __init__(
        self, serving: Serving, settings: Settings, metrics: Metrics, shared: Path | None = None
    ) -> None:
        """Prepares; nothing is loaded before `start`.

        Args:
            serving: what answers.
            settings: where bundles are, and what they are held to.
            metrics: are told of swaps.
            shared: directory of all workers of the service, if there are several.
        """
        self._serving = serving
        self._settings = settings
        self._metrics = metrics
        self._link = settings.bundle / CURRENT
        self._accepted = shared / _ACCEPTED if shared is not None else None
        self._seen: _Sighting = None
        self._lock = Lock()
        self.previous: Served | None = None
        self.refused: str | None = None

    @property
    def bundle_ids(self) -> tuple[str | None, str | None]:
        """Those of what answers and of what did before it."""
        both = self._serving.served, self.previous
        current, previous = (each.bundle.bundle_id if each else None for each in both)
        return current, previous

    def start(self) -> None:
        """Load what the other workers answer from, if any do, and then follow the link."""
        with self._lock:
            if self._accepted is not None and self._accepted.exists():
                self._aside(self._accepted.resolve())
            if self._serving.served is None or _sighting(self._link) != self._seen:
                self._follow()

    def look(self) -> None:
        """Have the current bundle take over, if the link was moved."""
        with self._lock:
            if _sighting(self._link) != self._seen:
                self._follow()

    def reload(self) -> None:
        """Have the current bundle take over, also if it was refused before, in all workers.

        Raises:
            SwapError: it is refused, or there is no link to follow.
        """
        with self._lock:
            self._point_at(self._link.resolve())
            self._follow()
            if self.refused is not None:
                raise SwapError(self.refused)

    def rollback(self) -> None:
        """Have the bundle that answered before answer again, in all workers; twice undoes it.

        Raises:
            SwapError: there is none, or no link to move.
        """
        with self._lock:
            if self.previous is None:
                raise SwapError("No other bundle has answered before this one.")
            self._point_at(self.previous.bundle.path)
            self._follow()

    def _point_at(self, directory: Path) -> None:
        """Make the link anew: every worker that sees it looks again."""
        try:
            point_current_at(self._link.parent, directory)
        except OSError as error:
            message = f"{self._link} cannot be moved to {directory}: {error.strerror}."
            raise SwapError(message) from error

    def _follow(self) -> None:
        self._seen = _sighting(self._link)
        target = self._seen[-1] if self._seen else None
        old = self._serving.served
        if old is not None and target == old.bundle.path:
            self.refused = None
        elif old is not None and self.previous is not None and target == self.previous.bundle.path:
            self._take_over(old, self.previous)
            self._serving.look_at_rules()  # they may have changed while it stood by
        else:
            self._aside(self._settings.bundle)

    def _aside(self, path: Path) -> None:
        """Load in a thread of its own: what that leaves in memory goes as the thread ends."""
        with ThreadPoolExecutor(1) as thread:
            thread.submit(self._try, path).result()
        give_back()

    def _try(self, path: Path) -> None:
        """Load a bundle beside the one that answers, and let it take over if it is fit."""
        old = self._serving.served
        try:
            with _giving_way():
                new = self._serving.prepare(path)
                if old is not None:
                    self._judge(old, new)
        except (BundleError, RulesError, CanaryError) as error:
            _logger.error("refused: %s", error)
            self._refuse(str(error))
        except Exception:  # a library may fail in any way; the bundle that answers must go on
            _logger.exception("loading a bundle failed")
            self._refuse("The bundle could not be loaded; the log has the reason.")
        else:
            self._take_over(old, new)

    def _refuse(self, reason: str) -> None:
        self.refused = reason
        self._serving.reason = reason if self._serving.served is None else None
        self._metrics.observe_swap(refused=True)

    def _judge(self, old: Served, new: Served) -> None:
        if not (count := self._settings.canary_requests):
            return
        requests = list(self._serving.recent)
        requests += example_requests(old.bundle, count - len(requests))
        canary = replay(requests, old.recommend, new.recommend)
        _logger.info("canary", extra={"bundle": str(new.bundle.path), **canary._asdict()})
        if (objection := canary.objection(self._settings)) is not None:
            raise CanaryError(f"{new.bundle.path}: {objection}")

    def _take_over(self, old: Served | None, new: Served) -> None:
        self.previous, self.refused = old, None
        self._serving.begin(new)
        if old is not None:
            self._metrics.observe_swap(refused=False)
        if self._accepted is not None:
            link = self._accepted.with_name(f"{_ACCEPTED}-{os.getpid()}")
            link.symlink_to(new.bundle.path)
            link.replace(self._accepted)


@contextmanager
def _giving_way() -> Iterator[None]:
    """Let requests have the interpreter as soon as they ask for it, not 5 ms later."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.0001)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _sighting(link: Path) -> _Sighting:
    """What changes when the link is moved, or made anew; None while there is none to follow."""
    try:
        found = link.lstat()
        return found.st_mtime_ns, found.st_ino, link.resolve(strict=True)
    except (OSError, RuntimeError):  # of a loop of links
        return None
