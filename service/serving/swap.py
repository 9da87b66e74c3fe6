"""The swap: a new bundle takes over from the one that answers, and can be taken back.

All workers follow `DIR/current`; whoever moves that link, the build or this service, moves all of
them. One worker decides whether a bundle is fit to answer (see `decisions`), and the others follow
it: all answer from the same bundle. A worker that starts begins with what was accepted last.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from time import monotonic

from service.bundle.errors import BundleError, BundleMissingError
from service.business_rules.errors import RulesError
from service.serving.canary import CanaryError, replay
from service.serving.decisions import Decision, Decisions, Sighting, sight
from service.serving.errors import SwapError
from service.serving.example_requests import example_requests
from service.serving.links import Links, reason_of
from service.serving.served import Served
from service.serving.serving import Serving
from service.serving.swap_history import SwapHistory
from service.settings import Settings
from service.support.apart import giving_way
from service.support.backoff import Backoff
from service.support.memory import give_back
from service.telemetry.metrics import Metrics

_logger = logging.getLogger(__name__)

_PATIENCE_S = 30.0  # of a request that moves bundles, while another decision is being made
_RETRY_S = (1.0, 8.0)  # from the first to the longest wait
_UNREAD_S = 2.0  # until a new bundle is tried again that could not be read
_EXAMPLES = 20  # of the canary's requests at least: the latest ones may get no answers


class Swap:
    """Brings bundles into service and back; safe to share between threads.

    Attributes:
        refused: why the newest bundle does not answer; None if it does.
        history: which bundles this worker answered from or refused, and when.
    """

    def __init__(
        self, serving: Serving, settings: Settings, metrics: Metrics, shared: Path | None = None
    ) -> None:
        """Prepares; nothing is loaded before the first look.

        Args:
            serving: what answers.
            settings: where bundles are, and what they are held to.
            metrics: to count swaps in.
            shared: directory of all workers of the service, if there are several.
        """
        self._serving = serving
        self._settings = settings
        self._metrics = metrics
        self._bundles = settings.bundle
        self._links = Links(settings.bundle)
        self._decisions = Decisions(shared)
        self._lock = Lock()
        self._retry = Backoff(*_RETRY_S)
        self._tried: str | None = None
        self._standby: Served | None = None  # answered before; ready to answer again
        self._previous: Path | None = None
        self.refused: str | None = None
        self.history = SwapHistory()

    @property
    def bundle_ids(self) -> tuple[str | None, str | None]:
        """Those of the bundle that answers and of the one before it."""
        served = self._serving.served
        current = served.bundle.bundle_id if served is not None else None
        return current, self._previous.name if self._previous is not None else None

    def look(self) -> None:
        """Have the bundle that was decided on answer, and decide about a new one.

        After a failure this does nothing for a while, unless something has changed.
        """
        with self._lock:
            sighting = sight(self._bundles)
            if sighting.mark != self._tried:
                self._retry.reset()
            if self._retry.left_s == 0:
                self._tried = sighting.mark
                self._settle(sighting)

    def start(self) -> None:
        """Load the bundle: the first look."""
        self.look()

    def reload(self) -> None:
        """Have the current bundle take over, also if it was refused before, in all workers.

        Raises:
            SwapError: it is refused, or there is no link to follow.
        """
        with self._deciding():
            self._links.point_current_at(self._links.current())
            self._settle(sight(self._bundles))
            if self.refused is not None:
                raise SwapError(self.refused)

    def rollback(self) -> None:
        """Have the bundle that answered before answer again, in all workers; twice undoes it.

        Raises:
            SwapError: there is none, it cannot be loaded, or there is no link to move.
        """
        with self._deciding():
            self._settle(sight(self._bundles))
            decision = self._decisions.latest()
            if decision is None or decision.previous is None:
                raise SwapError("No other bundle has answered before this one.")
            new = self._loaded(decision.previous)
            self._links.point_current_at(decision.previous)
            mark = sight(self._bundles).mark
            self._take_over(new, Decision(mark, new.bundle.path, decision.accepted, None))

    @contextmanager
    def _deciding(self) -> Iterator[None]:
        """Make other decisions wait while the block runs."""
        if not self._lock.acquire(timeout=_PATIENCE_S):
            raise SwapError("The worker is still loading a bundle; its disk may not answer.")
        try:
            with self._decisions.deciding(_PATIENCE_S) as alone:
                if not alone:
                    raise SwapError("Another worker is still loading a bundle.")
                yield
        finally:
            self._lock.release()

    def _settle(self, sighting: Sighting) -> None:
        """Begin, follow or decide, whichever is due; failures leave everything as it was."""
        try:
            if self._serving.served is None:
                self._begin(sighting)
            else:
                self._follow(self._serving.served)
                self._decide(sighting)
        except SwapError as error:
            self._retry.fail()
            self._refuse(str(error))
        else:
            self._retry.reset()

    def _begin(self, sighting: Sighting) -> None:
        """Answer from what was accepted; if nothing was, from what is there."""
        failed = self._decisions.latest()
        if failed is not None:
            try:
                self._answer(self._loaded(failed.accepted), failed)
            except SwapError:
                if self._metrics.workers_ready():  # these decide what comes next
                    raise
            else:
                return
        new = self._loaded(self._bundles)
        before = self._links.previous(new.bundle.path)
        decision = Decision(sighting.mark, new.bundle.path, before, None)
        with self._decisions.deciding(_PATIENCE_S) as alone:
            if alone and self._decisions.latest() == failed:
                self._record(decision)
        self._answer(new, decision)

    def _follow(self, old: Served) -> None:
        """Answer from what another worker has accepted."""
        decision = self._decisions.latest()
        if decision is None:
            return
        if decision.accepted != old.bundle.path:
            self._answer(self._loaded(decision.accepted), decision)
        self._previous, self.refused = decision.previous, decision.refused
        self.history.refuses(decision.refused)

    def _decide(self, sighting: Sighting) -> None:
        """Accept or refuse what was sighted, unless a worker has done so, or does it now."""
        with self._decisions.deciding() as alone:
            decision, old = self._decisions.latest(), self._serving.served
            if not alone or decision is None or old is None or decision.is_about(sighting):
                return
            if sighting.target == old.bundle.path:
                self._record(decision._replace(mark=sighting.mark, refused=None, again=None))
                self.refused = None
                return
            try:
                new = self._loaded(sighting.target or self._bundles, judged_by=old)
            except SwapError as error:
                unread = isinstance(error.__cause__, (BundleMissingError, OSError))
                again = monotonic() + _UNREAD_S if unread else None
                refused = str(error)
                self._record(decision._replace(mark=sighting.mark, refused=refused, again=again))
                self._refuse(refused)
                return
            self._take_over(new, Decision(sighting.mark, new.bundle.path, decision.accepted, None))

    def _take_over(self, new: Served, decision: Decision) -> None:
        self._record(decision)
        self._answer(new, decision)
        self._metrics.observe_swap(refused=False)

    def _record(self, decision: Decision) -> None:
        try:
            self._decisions.record(decision)
        except OSError as error:
            message = f"The workers' directory cannot be written: {reason_of(error)}."
            raise SwapError(message) from error
        self._links.remember(decision)

    def _answer(self, new: Served, decision: Decision) -> None:
        old, self._previous, self.refused = self._serving.served, decision.previous, None
        self._serving.begin(new)
        self.history.answers(new.bundle.bundle_id)
        stands_by = old is not None and old.bundle.path == decision.previous
        self._standby = old if stands_by else None
        self._serving.look_at_rules()  # they may have changed while it stood by
        give_back()

    def _refuse(self, reason: str) -> None:
        if reason != self.refused:  # told once
            _logger.error("refused: %s", reason)
            self._metrics.observe_swap(refused=True)
        self.refused = reason
        self.history.refuses(reason)
        self._serving.reason = reason if self._serving.served is None else None

    def _loaded(self, path: Path, judged_by: Served | None = None) -> Served:
        """Load a bundle beside the one that answers; one that has answered before is fit to."""
        standby = self._standby
        if standby is not None and path == standby.bundle.path:
            return standby
        try:
            with giving_way():
                new = self._serving.prepare(path)
                if judged_by is not None and new.bundle.path != self._previous:
                    self._judge(judged_by, new)
        except (BundleError, RulesError, CanaryError, OSError) as error:
            raise SwapError(str(error)) from error
        except Exception as error:  # a library may fail in any way; what answers must go on
            _logger.exception("loading a bundle failed")
            message = "The bundle could not be loaded; the log has the reason."
            raise SwapError(message) from error
        return new

    def _judge(self, old: Served, new: Served) -> None:
        if not (count := self._settings.canary_requests):
            return
        since = self._serving.forgotten.since
        requests = self._serving.known_requests()[-count:]
        requests += example_requests(old.bundle, max(count - len(requests), _EXAMPLES), since)
        canary = replay(requests, old.recommend, new.recommend)
        _logger.info("canary", extra={"bundle": str(new.bundle.path), **canary._asdict()})
        if (objection := canary.objection(self._settings)) is not None:
            raise CanaryError(f"{new.bundle.path}: {objection}")
