"""What Prometheus is told: one registry per app, every name prefixed `rtt2vec_`."""

import os
from collections.abc import Callable
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from service.bundle.bundle import Bundle
from service.recommending.answer import Recommendations

CONTENT_TYPE = CONTENT_TYPE_LATEST

# Where several workers share their counts; set by `rtt2vec-serve`.
_MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"

STAGES = ("parse", "lookup", "anchors", "search", "aggregate", "rank", "postprocess", "encode")

# The library's default buckets start at 5 ms, where most of our requests have long ended.
_BUCKETS_S = tuple(ms / 1000 for ms in (0.5, 1, 2, 3, 5, 7.5, 10, 15, 25, 50, 100))
_CANDIDATE_BUCKETS = (0, 20, 50, 100, 200, 500, 1000, 2000, 5000)


class Metrics:
    """The metrics of one app, and the text in which Prometheus reads them."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ours: dict[str, Any] = {"namespace": "rtt2vec", "registry": self._registry}
        timed = ours | {"buckets": _BUCKETS_S}
        # Of several workers, the one that is worst off speaks for all.
        state = ours | {"multiprocess_mode": "livemin"}

        self._requests = Counter("requests", "Requests answered.", ["route", "status"], **ours)
        self._request_s = Histogram(
            "request_duration_seconds", "Time from request to response.", ["route"], **timed
        )
        stage_s = Histogram(
            "stage_duration_seconds", "Time a stage of a recommendation took.", ["stage"], **timed
        )
        self._stages = {stage: stage_s.labels(stage) for stage in STAGES}
        self._candidates = Histogram(
            "candidates", "Candidates of a recommendation.", buckets=_CANDIDATE_BUCKETS, **ours
        )
        self._filled = Counter(
            "filled_candidates", "Candidates that only the popularity fill brought.", **ours
        )
        self._fallbacks = Counter(
            "fallbacks", "Answers that rest on less than user and basket.", ["source"], **ours
        )
        self._degraded = Counter(
            "degraded", "Answers that rest on less than the request gave.", **ours
        )
        self._unknown_items = Counter("unknown_items", "Items not in the catalogue.", **ours)
        self._unknown_users = Counter("unknown_users", "Users without a profile.", **ours)
        self._profile_reads = Counter(
            "profile_reads", "Profiles asked of memcached.", ["result"], **ours
        )
        self._events = Counter(
            "events", "Purchases told: new, known already, or refused.", ["result"], **ours
        )
        self._consuming = Gauge(
            "kafka_consuming", "Whether a topic's events are consumed.", ["topic"], **state
        )
        self._rules_reloads = Counter(
            "rules_reloads",
            "Times a file of business rules or availability had changed.",
            ["file", "result"],
            **ours,
        )
        self._shed = Counter("shed_requests", "Requests told to come back later.", **ours)
        self._hurried = Counter(
            "hurried_answers",
            "Answers that were spared some work, by what was dropped last.",
            ["dropped"],
            **ours,
        )
        self._swaps = Counter(
            "bundle_swaps", "Times another bundle became current.", ["result"], **ours
        )
        # What is there from the start can be seen to grow by the first refusal already.
        for result in ("ok", "refused"):
            self._swaps.labels(result)
            for file in ("rules", "availability"):
                self._rules_reloads.labels(file, result)
        for result in ("new", "known", "refused"):
            self._events.labels(result)
        self._bundle = Gauge(
            "bundle_info",
            "1 for what answers, 0 for what did.",
            ["bundle_id", "format", "backend"],
            **state,
        )
        self._ann_recall = Gauge(
            "ann_recall_at_k", "Recall of the index against exact search.", **state
        )
        self._ready = Gauge("ready", "Whether a verified bundle is loaded.", **state)
        self._ready.set(0)
        self._workers_ready = Gauge(
            "workers_ready",
            "Workers with a verified bundle loaded.",
            multiprocess_mode="livesum",
            **ours,
        )

    def observe_request(self, route: str, status: int, seconds: float) -> None:
        """Count a request, and the time it took."""
        self._requests.labels(route, str(status)).inc()
        self._request_s.labels(route).observe(seconds)

    def observe_stage(self, stage: str, seconds: float) -> None:
        """Record how long one of `STAGES` took."""
        self._stages[stage].observe(seconds)

    def observe_answer(self, user_id: str | None, answer: Recommendations) -> None:
        """Count what an answer for `user_id` rests on."""
        self._candidates.observe(answer.candidates)
        if answer.filled:
            self._filled.inc(answer.filled)
        if answer.source != "user+basket":
            self._fallbacks.labels(answer.source).inc()
        if answer.degraded:
            self._degraded.inc()
        if answer.unknown_items:
            self._unknown_items.inc(len(answer.unknown_items))
        if user_id is not None and answer.source in ("basket", "popularity"):
            self._unknown_users.inc()

    def observe_profile_read(self, result: str) -> None:
        """Count how asking memcached for a profile went (see `StoredProfiles`)."""
        self._profile_reads.labels(result).inc()

    def observe_reload(self, file: str, refused: bool) -> None:
        """Count that a file of the shop's had changed, and whether it was fit for use."""
        self._rules_reloads.labels(file, "refused" if refused else "ok").inc()

    def observe_events(self, new: int, known: int, refused: int) -> None:
        """Count the events of a batch."""
        for result, count in (("new", new), ("known", known), ("refused", refused)):
            self._events.labels(result).inc(count)

    def observe_consuming(self, topic: str, consuming: bool) -> None:
        """State whether a topic's events are consumed."""
        self._consuming.labels(topic).set(consuming)

    def observe_hurry(self, dropped: str) -> None:
        """Count an answer for which there was little time, by what was dropped last."""
        self._hurried.labels(dropped).inc()

    def observe_shed(self) -> None:
        """Count a request that could not wait."""
        self._shed.inc()

    def shed_unseen(self, route: str) -> Callable[[], None]:
        """Return what counts a request to `route` that could not wait and that the app never saw.

        It counts as answered too, but not in the durations: those are the app's.
        """
        answered = self._requests.labels(route, "503")

        def observe() -> None:
            self._shed.inc()
            answered.inc()

        return observe

    def observe_swap(self, refused: bool) -> None:
        """Count that another bundle became current, and whether it was fit for use."""
        self._swaps.labels("refused" if refused else "ok").inc()

    def announce(self, bundle: Bundle, old: Bundle | None = None) -> None:
        """State that `bundle` is loaded and answers, and `old` no more."""
        if old is not None:
            self._bundle.labels(*_described(old)).set(0)
        self._bundle.labels(*_described(bundle)).set(1)
        self._ann_recall.set(bundle.manifest.retrieval.ann_recall_at_k)
        self._ready.set(1)
        self._workers_ready.set(1)

    def retire(self) -> None:
        """Take the gauges of this process, which ends, out of what the others show."""
        if _MULTIPROCESS in os.environ:
            mark_process_dead(os.getpid())

    def render(self) -> bytes:
        """Return the exposition text; with several workers, the sum over all of them."""
        if _MULTIPROCESS not in os.environ:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
        return generate_latest(registry)


def _described(bundle: Bundle) -> tuple[str, str, str]:
    """The values of `bundle_info`'s labels."""
    manifest = bundle.manifest
    return manifest.bundle_id, str(manifest.format_version), manifest.retrieval.backend
