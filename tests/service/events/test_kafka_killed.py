"""After kill -9 of a service that consumes from Kafka, no event is lost or doubled."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from chaos.purchases import exported
from tests.data.kafka_cluster import Cluster, await_true, event
from tests.service.conftest import Served

KILLS = 3
FOUND = 10_000  # events at each start, so many that it is killed amid them


def test_a_consumer_that_is_killed_goes_on_where_it_was(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    cluster = Cluster()
    events = ("--events", str(tmp_path), "--events-export-every-s", "0.05")

    def serve_until(enough: int) -> Served:
        served = serve(*events, "--kafka", cluster.brokers)
        await_true(lambda: kept(tmp_path) >= enough)
        return served

    sent, enough = 0, 1
    for _ in range(KILLS):
        cluster.send(*[event(number) for number in range(sent, sent + FOUND)])
        sent += FOUND
        served = serve_until(enough)
        served.process.kill()
        served.process.wait()
        enough = kept(tmp_path) + 1
    served = serve_until(sent)
    served.process.terminate()
    served.process.wait()
    assert exported(tmp_path) == {f"event_id {n}": 1 for n in range(sent)}


def kept(directory: Path) -> int:
    """How many events are in the journal."""
    with closing(sqlite3.connect(directory / "events.sqlite")) as journal:
        found: int = journal.execute("SELECT count(*) FROM events").fetchone()[0]
    return found
