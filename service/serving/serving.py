"""What a process answers from, once its bundle is loaded and verified."""

import gc
import logging
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from service.bundle.bundle import Bundle, LoadBundle, load_bundle
from service.bundle.item_search import ItemSearch
from service.bundle.tables import check_lengths
from service.business_rules.accepted import AcceptedFiles
from service.business_rules.files import RuleFiles
from service.profiles.bundle_profiles import BundleProfiles
from service.profiles.profile import ProfileSource
from service.profiles.store.errors import ProfileStoreError
from service.profiles.user_search import UserSearch
from service.recommending.basket_score.scorer import BasketScorer, has_score
from service.recommending.postprocess.substitutes import Substitutes
from service.recommending.recommender import Recommender
from service.recommending.related_items import RelatedItems
from service.recommending.request import RecommendRequest
from service.serving.deadline import Deadline
from service.serving.example_requests import example_requests
from service.serving.served import Served
from service.settings import Settings
from service.support.forgotten_users import ForgottenUsers
from service.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from service.events.journal import Journal
    from service.profiles.store.memcached import Memcached
    from service.profiles.store.stored_profiles import StoredProfiles

_logger = logging.getLogger(__name__)

_WARNINGS = 10  # of business rules and stock that the log has of each time they are read
RECENT = 200
"""Requests that are kept for trials of business rules."""
_EXAMPLES = 5  # requests by which the deadline learns how long an answer takes


class Serving:
    """The bundle that one app answers from, or the reason why there is none yet.

    Attributes:
        served: what answers; None until the first bundle is ready.
        reason: why nothing answers; None if something does.
        draining: whether the process is about to shut down; it still answers.
        recent: the latest requests, for trials of the next bundle and of business rules.
        forgotten: the users who are strangers, whatever a bundle knows of them.
    """

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        journal: "Journal | None" = None,
        shared: Path | None = None,
        load: LoadBundle = load_bundle,
    ) -> None:
        """Prepares; nothing is loaded before `prepare`.

        Args:
            settings: of the service.
            metrics: to count in.
            journal: of the purchases that profiles are to know, if there is one.
            shared: directory of all workers of the service, if there are several.
            load: loads a bundle.
        """
        self._settings = settings
        self._metrics = metrics
        self.served: Served | None = None
        self.reason: str | None = "The bundle is being loaded."
        self.draining = False
        self.recent: deque[RecommendRequest] = deque(maxlen=max(settings.canary_requests, RECENT))
        self._store = _memcached(settings, metrics)
        self._journal = journal
        self._load = load
        self.forgotten = ForgottenUsers.beside(settings.bundle)
        self._accepted = AcceptedFiles(shared)

    def prepare(self, path: Path) -> Served:
        """Load, verify and warm up a bundle, while another one answers.

        Args:
            path: of the bundle, or of a directory whose `current` points at it.

        Raises:
            BundleError: the bundle is refused.
            RulesError: the business rules or the availability cannot be used, and no earlier ones
                either.
            ForgottenUsersError: the list of forgotten users cannot be read.
        """
        self.forgotten.now()
        bundle = self._load(path)
        settings = self._settings
        check_lengths(bundle.catalogue, settings.id_limit_chars)
        rule_files = RuleFiles(
            bundle.catalogue, settings.rules, settings.availability, self._accepted
        )
        _warn_of(rule_files)
        own = BundleProfiles(bundle, self.forgotten.since)
        recommender = Recommender(bundle, settings, profiles=own)
        examples = example_requests(bundle, _EXAMPLES, self.forgotten.since)
        deadline = Deadline(recommender, examples, self._metrics.observe_reduced_work)
        stored = self._stored(own, bundle)
        profiles = self._live(bundle, stored or own)
        scorer = BasketScorer(bundle, recommender.table, own) if has_score(bundle) else None
        related = RelatedItems(bundle) if bundle.rule_indptr is not None else None
        substitutes = Substitutes.read(bundle)
        served = Served(
            bundle,
            recommender,
            deadline,
            rule_files,
            profiles,
            scorer,
            related,
            substitutes,
            ItemSearch(bundle.catalogue),
            UserSearch(bundle.user_ids, own),
            stored,
            read_first=profiles is not own,
        )
        _warm_up(served, examples[0])
        # A full collection takes tens of milliseconds in the middle of a request, so long-lived
        # objects are frozen. A bundle is in no cycle: it is freed with its last reference all the
        # same.
        gc.collect()
        gc.freeze()
        return served

    def _stored(self, own: BundleProfiles, bundle: Bundle) -> "StoredProfiles | None":
        if self._store is None:
            return None
        from service.profiles.store.codec import ProfileCodec
        from service.profiles.store.stored_profiles import StoredProfiles

        codec, observe = ProfileCodec(bundle), self._metrics.observe_profile_read
        if (known := self.forgotten.now()).moments:
            forgotten = (user for user in bundle.user_ids if known.since(user) is not None)
            self._delete([codec.key(user) for user in forgotten if own.get(user) is None])
        return StoredProfiles(self._store, own, codec, observe, self.forgotten.since)

    def _delete(self, keys: Sequence[str]) -> None:
        """Delete profiles of forgotten users, in case that was interrupted."""
        from service.profiles.store.memcached import delete_everywhere

        try:
            if keys and self._settings.memcached:
                delete_everywhere(self._settings.memcached, keys)
        except ProfileStoreError as error:
            _logger.warning("profiles of forgotten users not deleted: %s", error)

    def _live(self, bundle: Bundle, profiles: ProfileSource) -> ProfileSource:
        if self._journal is None:
            return profiles
        from service.profiles.live import LiveProfiles

        return LiveProfiles(bundle, profiles, self._journal, self.forgotten.since)

    def known_requests(self) -> list[RecommendRequest]:
        """Return the recent requests, oldest first, without those of forgotten users."""
        since = self.forgotten.since
        recent = list(self.recent)
        return [each for each in recent if each.user_id is None or since(each.user_id) is None]

    def close(self) -> None:
        """Close the connections to memcached, if there are any."""
        if self._store is not None:
            self._store.close()

    def begin(self, served: Served) -> None:
        """Answer from a prepared bundle, from the next request on."""
        self.reason = None
        old, self.served = self.served, served
        self._metrics.announce(served.bundle, old.bundle if old else None)
        self._metrics.observe_rules(served.rule_files.checksum)
        bundle = served.bundle
        _logger.info("ready", extra={"bundle": str(bundle.path), "bundle_id": bundle.bundle_id})

    def drain(self) -> None:
        """Turn readiness off: the process is about to shut down."""
        self.draining = True

    def look_at_rules(self) -> None:
        """Read the files of business rules again that changed; keep the old ones if refused."""
        if self.served is None:
            return
        for each in self.served.rule_files.look():
            self._metrics.observe_reload(each.file, refused=each.refused is not None)
            if each.refused is None:
                self._metrics.observe_rules(self.served.rule_files.checksum)
                _logger.info("reloaded", extra={"file": str(each.path)})
                _warn_of(self.served.rule_files)
            else:
                _logger.error("refused, the old ones stay in force: %s", each.refused)


def _memcached(settings: Settings, metrics: Metrics) -> "Memcached | None":
    """The client of memcached, whose library is imported only where it is used."""
    if settings.memcached is None:
        return None
    from service.profiles.store.memcached import Memcached

    return Memcached(settings.memcached, settings.memcached_timeout_ms, metrics.observe_circuit)


def _warn_of(rule_files: RuleFiles) -> None:
    """Log what business rules and stock name in vain; /health has all of it."""
    for warning in rule_files.warnings[:_WARNINGS]:
        _logger.warning("%s", warning)
    if (others := len(rule_files.warnings) - _WARNINGS) > 0:
        _logger.warning("and %s more warnings of business rules and stock", others)


def _warm_up(served: Served, example: RecommendRequest) -> None:
    """Compile the loops that compile on first use, before a user waits for them.

    The recommender has answered already: its time was taken for the deadline.
    """
    if served.scorer is not None:
        served.scorer.score(example.user_id, example.basket)
    if served.related is not None:
        given, _ = served.bundle.catalogue.look_up(example.basket)
        served.related.related(given, 1, served.eligible(given, None))
