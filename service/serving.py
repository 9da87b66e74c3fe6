"""What a process answers from: nothing, until its bundle is loaded and verified."""

import asyncio
import gc
import logging
from typing import NamedTuple

from service.association_rules import RelatedItems
from service.basket_score import BasketScorer, has_score
from service.bundle import Bundle, BundleError, load_bundle
from service.business_rules.errors import RulesError
from service.example import example_request
from service.metrics import Metrics
from service.problems import ProblemError
from service.profiles import Profiles
from service.recommender import Recommender
from service.settings import Settings
from service.substitutes import Substitutes

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 1.0


class Served(NamedTuple):
    """All that answers from one bundle; a request looks it up once and keeps to it."""

    bundle: Bundle
    recommender: Recommender
    profiles: Profiles
    scorer: BasketScorer | None  # a bundle of an earlier release has none
    related: RelatedItems | None  # nor of these
    substitutes: Substitutes | None  # nor of these


class Serving:
    """What one app answers from, once there is something, and until then the reason why not."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self.served: Served | None = None
        self.reason: str | None = "The bundle is being loaded."

    def load(self) -> None:
        """Load the bundle; a refused one is logged, and stays the reason for not being ready."""
        try:
            bundle = load_bundle(self._settings.bundle)
            _warm_up(bundle, self._settings)
            recommender = Recommender(bundle, self._settings, self._metrics.observe_stage)
            profiles = Profiles(bundle)
            scorer = BasketScorer(bundle, recommender.table) if has_score(bundle) else None
            related = RelatedItems(bundle) if bundle.rule_indptr is not None else None
            substitutes = Substitutes.read(bundle)
            # What lives as long as the process need not be looked through again and again: a full
            # collection in the middle of a request takes tens of milliseconds.
            gc.collect()
            gc.freeze()
        except (BundleError, RulesError) as error:
            self.reason = str(error)
            _log.error("refused: %s", error)
        else:
            self.reason = None
            # Requests are already looking at it.
            self.served = Served(bundle, recommender, profiles, scorer, related, substitutes)
            self._metrics.announce(bundle)  # What it says is true by now.
            _log.info("ready", extra={"bundle": str(bundle.path), "bundle_id": bundle.bundle_id})

    def note_failure(self, loading: asyncio.Task[None]) -> None:
        """Log whatever else than a refusal ended `loading`, and say so (a callback of the task)."""
        if not loading.cancelled() and (error := loading.exception()) is not None:
            self.reason = "The bundle could not be loaded; the log has the reason."
            _log.error("bundle not loaded", exc_info=error)

    async def watch_rules(self) -> None:
        """Have rules and availability read again when they change, until it is cancelled."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            await asyncio.to_thread(self.look_at_rules)

    def look_at_rules(self) -> None:
        """Have those of them read again that changed; what is refused leaves the old in force."""
        if self.served is None:
            return
        for each in self.served.recommender.rule_files.look():
            self._metrics.observe_reload(each.file, refused=each.refused is not None)
            if each.refused is None:
                _log.info("reloaded", extra={"file": str(each.path)})
            else:
                _log.error("refused, the old ones stay in force: %s", each.refused)

    def ready(self) -> Served:
        """Return what answers.

        Raises:
            ProblemError: 503, there is none (yet).
        """
        if self.served is None:
            raise ProblemError(503, f"Not ready. {self.reason}", headers={"Retry-After": "1"})
        return self.served


def _warm_up(bundle: Bundle, settings: Settings) -> None:
    """Have what compiles on first use compiled, or read from its cache, before a shopper waits."""
    example = example_request(bundle)
    recommender = Recommender(bundle, settings)
    recommender.recommend(example["user_id"], example["basket"], 1, explain=True)
    if has_score(bundle):
        BasketScorer(bundle).score(example["user_id"], example["basket"])
    if bundle.rule_indptr is not None:
        RelatedItems(bundle).related(bundle.catalogue.look_up(example["basket"])[0], 1)
