"""A service whose journal is locked by another process answers, and ends when it is told to."""

import signal
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx

from service.support.files import locked
from tests.service.conftest import Served

CALLERS = 8
AT_MOST_S = 15  # some seconds for the callers and for the end, on a busy machine
BODY = {"events": [{"event_id": "e", "user_id": "u", "basket_id": "b", "item_id": "i"}]}
BODY["events"][0]["timestamp"] = "2026-01-31T12:00:00Z"


def test_neither_callers_nor_its_end_wait_for_the_lock(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    served = serve("--events", str(tmp_path))
    httpx.post(f"{served.url}/events", json=BODY).raise_for_status()
    with (
        closing(sqlite3.connect(tmp_path / "events.sqlite", isolation_level=None)) as other,
        locked(tmp_path),
        locked(tmp_path / "parquet"),
        ThreadPoolExecutor(CALLERS) as threads,
    ):
        other.execute("BEGIN EXCLUSIVE")
        post = threads.submit
        sent = [
            post(httpx.post, f"{served.url}/events", json=BODY, timeout=AT_MOST_S)
            for _ in range(CALLERS)
        ]
        assert {each.result(AT_MOST_S).status_code for each in sent} == {503}
        httpx.post(f"{served.url}/recommend", json={"user_id": "u"}).raise_for_status()
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(AT_MOST_S) == 0
