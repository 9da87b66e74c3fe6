"""Metrics: one Prometheus registry for each app; every name begins with `rtt2vec_`."""

import os
from functools import cache, partial
from pathlib import Path
from time import time

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from service.bundle.bundle import Bundle
from service.recommending.answer import Recommendations
from service.telemetry.counts import Counts
from service.telemetry.stream_metrics import StreamMetrics
from service.telemetry.tallies import Tallies
from service.telemetry.workers import (
    DIRECTORY,
    STAGES_OF_FAILURE,
    WorkerFiles,
    worker_failures,
)

STAGES = ("parse", "lookup", "anchors", "search", "aggregate", "rank", "postprocess", "encode")

# The library's default buckets start at 5 ms; most requests take less.
_BUCKETS_S = tuple(ms / 1000 for ms in (0.5, 1, 2, 3, 5, 7.5, 10, 15, 25, 50, 100))
_CANDIDATE_BUCKETS = (0, 20, 50, 100, 200, 500, 1000, 2000, 5000)


_TOO_BUSY = 503
_NO_BUNDLE = ""


class Metrics:
    """The metrics of one app, and the text in which Prometheus reads them."""

    def __init__(self) -> None:
        directory = os.environ.get(DIRECTORY)
        self._files = WorkerFiles(Path(directory)) if directory else None
        self._registry = registry = CollectorRegistry()
        counter = partial(Counter, namespace="rtt2vec", registry=registry)
        tallies = partial(Tallies, registry=registry, files=self._files)
        # Several workers show their lowest value.
        gauge = partial(Gauge, namespace="rtt2vec", registry=registry, multiprocess_mode="livemin")

        counts = partial(Counts, registry=registry, files=self._files)
        requests = counts("rtt2vec_requests", "Requests answered.", labels=["route", "status"])
        self._answered = cache(lambda route, status: requests.of(route, str(status)))
        self._request_s = tallies(
            "rtt2vec_request_duration_seconds",
            "Time to answer a request.",
            _BUCKETS_S,
            labels=["route"],
        )
        stage_s = tallies(
            "rtt2vec_stage_duration_seconds",
            "Time that a stage took.",
            _BUCKETS_S,
            labels=["stage"],
        )
        self._stages = {stage: stage_s.of(stage) for stage in STAGES}
        self._candidates = tallies(
            "rtt2vec_candidates", "Candidates scored for a recommendation.", _CANDIDATE_BUCKETS
        ).of()
        self._filled = counts(
            "rtt2vec_filled_candidates", "Candidates added by the popularity fill."
        ).of()
        self._fallbacks = counts(
            "rtt2vec_fallbacks",
            "Answers based on less than user and basket, by source.",
            labels=["source"],
        )
        self._degraded = counts(
            "rtt2vec_degraded", "Answers based on less than the request gave."
        ).of()
        self._unknown_items = counts(
            "rtt2vec_unknown_items", "Basket items not in the catalogue."
        ).of()
        self._unknown_users = counts(
            "rtt2vec_unknown_users", "Requests whose user has no profile."
        ).of()
        self._profile_reads = counter("profile_reads", "Profiles read from memcached.", ["result"])
        self.stream = StreamMetrics(registry)
        self._rules_reloads = counter(
            "rules_reloads", "Changes of a business rules or availability file.", ["file", "result"]
        )
        self._shed = counter("shed_requests", "Requests refused because too many were waiting.")
        self._cut = counter("cut_connections", "Connections closed by a limit.", ["reason"])
        for reason in ("bytes", "connections", "timeout"):
            self._cut.labels(reason)
        self._lost_lines = counter("lost_log_lines", "Lines of the log that nobody read in time.")
        self._hurried = counter(
            "hurried_answers", "Answers made with less work to be in time.", ["dropped"]
        )
        self._swaps = counter("bundle_swaps", "Bundles that became current.", ["result"])
        # Present from the start, so that alerts see the first refusal as an increase.
        for result in ("ok", "refused"):
            self._swaps.labels(result)
            for file in ("rules", "availability"):
                self._rules_reloads.labels(file, result)
        self._bundle = gauge(
            "bundle_info",
            "1 for the bundle in use, 0 for earlier ones.",
            ["bundle_id", "format", "backend"],
            multiprocess_mode="livemax",
        )
        self._bundle_workers = gauge(
            "bundle_workers",
            "Workers that answer from the bundle.",
            ["bundle_id"],
            multiprocess_mode="livesum",
        )
        self._worker_since = gauge(
            "worker_since_timestamp_seconds",
            "Since when a worker answers from a bundle, or runs without one; 0 for earlier ones.",
            ["bundle_id"],
            multiprocess_mode="liveall",
        )
        self._worker_since.labels(_NO_BUNDLE).set_to_current_time()
        self._worker_rules = gauge(
            "worker_rules_checksum",
            "CRC-32 of the business rules and availability that a worker has in force; 0 for none.",
            multiprocess_mode="liveall",
        )
        self._circuit_open = gauge(
            "circuit_open",
            "Workers that leave a failing store of profiles alone.",
            ["store"],
            multiprocess_mode="livesum",
        )
        self._ann_recall = gauge("ann_recall_at_k", "Recall of the index against exact search.")
        self._ready = gauge("ready", "1 if a verified bundle is loaded.")
        self._ready.set(0)
        self._is_ready = False
        self._workers_ready = gauge(
            "workers_ready", "Workers with a verified bundle loaded.", multiprocess_mode="livesum"
        )
        # A worker that starts does not know it yet, and shows 0.
        self._workers = gauge(
            "workers", "Workers that should be ready.", multiprocess_mode="livemax"
        )
        failures = worker_failures(registry)
        for stage in STAGES_OF_FAILURE:
            failures.labels(stage)
        self._looked = gauge(
            "last_look_timestamp_seconds", "When files were last checked for changes.", ["files"]
        )

    def observe_request(self, route: str, status: int, seconds: float) -> None:
        """Count a request, and the time it took."""
        self._answered(route, status).add()
        self._request_s.of(route).observe(seconds)

    def observe_stage(self, stage: str, seconds: float) -> None:
        """Record how long one of `STAGES` took."""
        self._stages[stage].observe(seconds)

    def observe_answer(self, user_id: str | None, answer: Recommendations) -> None:
        """Count what an answer for `user_id` is based on."""
        self._candidates.observe(answer.candidates)
        if answer.filled:
            self._filled.add(answer.filled)
        if answer.source != "user+basket":
            self._fallbacks.of(answer.source).add()
        if answer.degraded:
            self._degraded.add()
        if answer.unknown_items:
            self._unknown_items.add(len(answer.unknown_items))
        if user_id is not None and answer.source in ("basket", "popularity"):
            self._unknown_users.add()

    def observe_profile_read(self, result: str) -> None:
        """Count a profile read from memcached, by its result (see `StoredProfiles`)."""
        self._profile_reads.labels(result).inc()

    def observe_circuit(self, is_open: bool) -> None:
        """Show whether memcached is left alone, since it fails (see `Circuit`)."""
        self._circuit_open.labels("memcached").set(is_open)

    def observe_rules(self, checksum: int) -> None:
        """Show which business rules and availability are in force."""
        self._worker_rules.set(checksum)

    def observe_reload(self, file: str, refused: bool) -> None:
        """Count a change of the rules or the availability file, and whether it was refused."""
        self._rules_reloads.labels(file, "refused" if refused else "ok").inc()

    def observe_reduced_work(self, dropped: str) -> None:
        """Count an answer given with less work for lack of time, by what was left out last."""
        self._hurried.labels(dropped).inc()

    def observe_shed(self) -> None:
        """Count a request that was refused because too many were waiting."""
        self._shed.inc()

    def observe_cut_connection(self, reason: str) -> None:
        """Count a connection that was closed by a limit (see `Connections`)."""
        self._cut.labels(reason).inc()

    def observe_lost_line(self) -> None:
        """Count a line of the log that was lost."""
        self._lost_lines.inc()

    def observe_early(self, route: str, status: int) -> None:
        """Count a request that was refused before the app saw it; it has no duration."""
        self._answered(route, status).add()
        if status == _TOO_BUSY:
            self._shed.inc()

    def observe_swap(self, refused: bool) -> None:
        """Count that another bundle became current, and whether it was refused."""
        self._swaps.labels("refused" if refused else "ok").inc()

    def announce(self, bundle: Bundle, old: Bundle | None = None) -> None:
        """Show that `bundle` is in use, and `old` no longer."""
        if old is not None:
            self._bundle.labels(*_described(old)).set(0)
            self._bundle_workers.labels(old.bundle_id).set(0)
        self._worker_since.labels(_NO_BUNDLE if old is None else old.bundle_id).set(0)
        self._bundle.labels(*_described(bundle)).set(1)
        self._bundle_workers.labels(bundle.bundle_id).set(1)
        self._worker_since.labels(bundle.bundle_id).set_to_current_time()
        self._ann_recall.set(bundle.manifest.retrieval.ann_recall_at_k)
        self._ready.set(1)
        self._workers_ready.set(1)
        self._is_ready = True

    def observe_workers(self, count: int) -> None:
        """Show how many workers the service should have."""
        self._workers.set(count)

    def observe_look(self, files: str) -> None:
        """Take note that files were checked for changes just now."""
        self._looked.labels(files).set(time())

    def workers_ready(self) -> float:
        """Return how many workers have a bundle to answer from."""
        return self._files.workers_ready() if self._files is not None else float(self._is_ready)

    def retire(self) -> None:
        """Remove the gauges of this process, which ends, from what the other workers show."""
        if self._files is not None:
            self._files.retire(os.getpid())

    def keep_files(self) -> None:
        """Write the files of several workers' metrics again if they were removed."""
        if self._files is not None:
            self._files.keep()

    def render(self) -> bytes:
        """Return the exposition text; with several workers, the sum over all of them."""
        return generate_latest(self._registry) if self._files is None else self._files.render()


def _described(bundle: Bundle) -> tuple[str, str, str]:
    """Return the label values of `bundle_info`."""
    manifest = bundle.manifest
    return manifest.bundle_id, str(manifest.format_version), manifest.retrieval.backend
