"""Metrics, as Prometheus reads them."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.app import create_app
from service.serving.serving import Serving
from service.settings import Settings
from service.telemetry.metrics import STAGES, Metrics
from tests.data.daily_bundles import publish
from tests.service.conftest import Served, listening

# A worker that has answered from bundles, one after the other; it takes in messages if it has any.
WORKER = """
import sys
from pathlib import Path
from service.bundle.bundle import load_bundle
from service.telemetry.metrics import Metrics

metrics, old = Metrics(), None
for path in sys.argv[1:]:
    metrics.announce(bundle := load_bundle(Path(path)), old)
    metrics.observe_workers(3)  # which a worker that only begins to start does not know
    old = bundle
metrics.stream.consuming("purchases", len(sys.argv) > 1)
metrics.stream.lagging("purchases", 3)
sys.stdin.readline()
metrics.observe_look("rules")
print(metrics.render().decode(), flush=True)
sys.stdin.read()
"""

Samples = dict[tuple[str, ...], float]


def scrape(client: httpx.Client) -> Samples:
    """Return the samples by name and label values."""
    return read(client.get("/metrics").text)


def read(text: str) -> Samples:
    """Return the samples of a text."""
    families = text_string_to_metric_families(text)
    samples = (sample for family in families for sample in family.samples)
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


@pytest.fixture
def own(bundle_dir: Path) -> Iterator[httpx.Client]:
    """A client of an app of its own."""
    app = create_app(Settings(bundle=bundle_dir))
    app.state.swap.start()
    with listening(app) as client:
        yield client


def test_requests_are_counted_and_timed_by_route_and_status(own: httpx.Client) -> None:
    own.post("/recommend", json={})
    own.post("/recommend", json={"k": 0})
    own.get("/recommend")
    own.get("/nowhere")
    samples = scrape(own)
    for status in ("200", "422", "405"):
        assert samples["rtt2vec_requests_total", "/recommend", status] == 1
    assert samples["rtt2vec_requests_total", "other", "404"] == 1
    assert samples["rtt2vec_request_duration_seconds_count", "/recommend"] == 3


def test_counters_of_alerts_are_present_from_the_start(own: httpx.Client) -> None:
    samples = scrape(own)
    assert samples["rtt2vec_bundle_swaps_total", "refused"] == 0
    assert samples["rtt2vec_rules_reloads_total", "rules", "refused"] == 0
    assert samples["rtt2vec_rules_reloads_total", "availability", "refused"] == 0
    assert samples["rtt2vec_events_total", "refused"] == 0


def test_every_stage_has_a_histogram_with_fine_buckets(own: httpx.Client) -> None:
    own.post("/recommend", json={"user_id": "user-0", "basket": ["item-0"]})
    samples = scrape(own)
    for stage in STAGES:
        assert samples["rtt2vec_stage_duration_seconds_count", stage] == 1
    edges = {
        float(edge) * 1000
        for name, *labels in samples
        if name.endswith("stage_duration_seconds_bucket")
        for edge in labels
        if edge[0].isdigit()
    }
    assert edges == {0.5, 1, 2, 3, 5, 7.5, 10, 15, 25, 50, 100}


def test_sources_and_unknowns_are_counted(own: httpx.Client) -> None:
    own.post("/recommend", json={"user_id": "user-0", "basket": ["item-0"]})
    own.post("/recommend", json={"user_id": "user-0", "basket": ["?", "??"]})
    own.post("/recommend", json={"user_id": "?", "basket": ["item-0", "?"]})
    own.post("/recommend", json={})
    samples = scrape(own)
    for source in ("basket", "user", "popularity"):
        assert samples["rtt2vec_fallbacks_total", source] == 1
    assert ("rtt2vec_fallbacks_total", "user+basket") not in samples
    assert samples["rtt2vec_degraded_total",] == 2
    assert samples["rtt2vec_unknown_items_total",] == 3
    assert samples["rtt2vec_unknown_users_total",] == 1
    assert samples["rtt2vec_candidates_count",] == 4
    assert samples["rtt2vec_filled_candidates_total",] >= 20


def test_the_bundle_is_described(own: httpx.Client, bundle_dir: Path) -> None:
    samples = scrape(own)
    (labels,) = [set(rest) for name, *rest in samples if name == "rtt2vec_bundle_info"]
    assert labels == {bundle_dir.name, "1", "exact"}
    assert samples["rtt2vec_ann_recall_at_k",] == 1
    assert samples["rtt2vec_ready",] == 1


def test_a_worker_tells_which_rules_it_has(
    bundle_dir: Path, preferences: Path, tmp_path: Path
) -> None:
    def begin(rules: Path | None) -> tuple[Metrics, Serving]:
        metrics = Metrics()
        app = create_app(Settings(bundle=bundle_dir, rules=rules), metrics)
        app.state.swap.start()
        return metrics, app.state.serving

    def checksum(metrics: Metrics) -> float:
        return read(metrics.render().decode())["rtt2vec_worker_rules_checksum",]

    assert checksum(begin(None)[0]) == 0
    rules = tmp_path / "rules.yaml"
    rules.write_bytes(preferences.read_bytes())
    metrics, serving = begin(rules)
    first = checksum(metrics)
    assert first == checksum(begin(preferences)[0]) > 0
    rules.write_text("rules: []\n")
    serving.look_at_rules()
    second = checksum(metrics)
    assert second not in (0, first)
    rules.write_text("rules: nonsense\n")  # refused: the old ones stay in force
    serving.look_at_rules()
    assert checksum(metrics) == second


def test_without_a_bundle_it_is_not_ready(tmp_path: Path) -> None:
    with listening(create_app(Settings(bundle=tmp_path))) as client:
        assert scrape(client)["rtt2vec_ready",] == 0


def test_two_apps_in_one_process_count_for_themselves(
    own: httpx.Client, connect: Callable[..., httpx.Client]
) -> None:
    other = connect()
    own.post("/recommend", json={})
    assert ("rtt2vec_requests_total", "/recommend", "200") in scrape(own)
    assert ("rtt2vec_requests_total", "/recommend", "200") not in scrape(other)


def test_every_name_has_the_prefix(own: httpx.Client) -> None:
    names = re.findall(r"^# TYPE (\w+)", own.get("/metrics").text, re.MULTILINE)
    assert names
    assert all(name.startswith("rtt2vec_") for name in names)


def test_workers_are_counted_together(serve: Callable[..., Served]) -> None:
    served = serve("--workers", "2")
    for _ in range(20):  # Each on a connection of its own, so that either worker may get it.
        httpx.post(f"{served.url}/recommend", json={}).raise_for_status()
    with httpx.Client(base_url=served.url) as client:
        samples = scrape(client)
    assert samples["rtt2vec_requests_total", "/recommend", "200"] == 20
    assert samples["rtt2vec_ann_recall_at_k",] == 1


def test_a_worker_that_lags_behind_the_others_is_seen(tmp_path: Path) -> None:
    """One has no bundle, one swapped, one did not yet: no state of one hides that of another."""
    first, second = (tmp_path / publish(tmp_path, day) for day in (1, 2))
    (tmp_path / "shared").mkdir()
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "shared")}
    samples: Samples = {}
    with ExitStack() as running:
        workers = [
            running.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", WORKER, *bundles],
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for bundles in ((), (first, second), (first,))
        ]
        looks = []
        for worker in workers:  # the last one shows what all have written
            assert worker.stdin is not None
            assert worker.stdout is not None
            worker.stdin.write("\n")
            worker.stdin.flush()
            text = "".join(iter(worker.stdout.readline, "\n"))
            samples = read(text)
            looks.append(samples["rtt2vec_last_look_timestamp_seconds", "rules"])
        for worker in workers:
            worker.communicate()
    old, new = (("exact", path.name, "1") for path in (first, second))
    assert samples["rtt2vec_bundle_info", *old] == samples["rtt2vec_bundle_info", *new] == 1
    for path in (first, second):
        assert samples["rtt2vec_bundle_workers", path.name] == 1
    since = [key[1:] for key in samples if key[0] == "rtt2vec_worker_since_timestamp_seconds"]
    using = {key: samples["rtt2vec_worker_since_timestamp_seconds", *key] > 0 for key in since}
    none, both, one = (f"{worker.pid}-0" for worker in workers)
    assert using == {
        ("", none): True,
        ("", both): False,
        (first.name, both): False,
        (second.name, both): True,
        ("", one): False,
        (first.name, one): True,
    }
    assert (samples["rtt2vec_ready",], samples["rtt2vec_workers_ready",]) == (0, 2)
    assert samples["rtt2vec_workers",] == 3
    assert samples["rtt2vec_kafka_consuming", "purchases"] == 0
    assert samples["rtt2vec_kafka_lag_messages", "purchases"] == 9
    assert len(set(looks)) == 1  # when that worker looked which did so the longest ago
