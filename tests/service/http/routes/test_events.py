"""POST /events: purchases count from the next request on, in all workers."""

import json
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.app import create_app
from service.bundle.bundle import write_bundle
from service.settings import Settings
from tests.data.by_score import settings_by_score
from tests.data.scored_shop import scored_contents
from tests.data.tiny_bundle import tiny_contents
from tests.service.conftest import listening

AT = "2018-01-31T12:00:00Z"  # later than the bundles

RESULTS = dict.fromkeys(("new", "known", "quarantined", "refused"), 1)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)
FIELDS = ("event_id", "user_id", "basket_id", "item_id", "timestamp", "quantity", "price")
MAYBE = {name: st.sampled_from(["1", "a", AT, 1.5]) | ANYTHING for name in FIELDS}


def purchase(number: int, user_id: str, item_id: str, **changes: Any) -> dict[str, Any]:
    """An event; every purchase has its own basket."""
    names = {"event_id": f"{user_id} {number}", "basket_id": f"{user_id} {number}"}
    return {**names, "user_id": user_id, "item_id": item_id, "timestamp": AT} | changes


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("bundles")
    write_bundle(directory, tiny_contents())
    return directory


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("events")


@pytest.fixture(scope="module")
def shop(bundles: Path, kept: Path) -> Iterator[httpx.Client]:
    app = create_app(settings_by_score(bundle=bundles, events=kept))
    app.state.swap.start()
    with listening(app) as client:
        yield client


def send(shop: httpx.Client, *events: Any) -> dict[str, Any]:
    response = shop.post("/events", json={"events": events})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def categories(shop: httpx.Client, user_id: str) -> dict[str, int]:
    found = shop.get(f"/users/{user_id}/profile").json()
    return {each["category"]: each["count"] for each in found["categories"]}


def test_a_stranger_becomes_a_user_by_a_purchase(shop: httpx.Client) -> None:
    asked = {"user_id": "new here"}
    assert shop.post("/recommend", json=asked).json()["source"] == "popularity"
    answer = send(shop, *[purchase(n, "new here", f"item-{2 * n + 1}") for n in range(4)])
    assert (answer["new"], answer["known"], answer["refused"]) == (4, 0, [])
    found = shop.post("/recommend", json=asked | {"k": 8}).json()
    assert (found["source"], found["degraded"]) == ("user", False)
    assert categories(shop, "new here") == {"garden": 4}
    # The folded-in vector does the rest: items not bought are of the same aisle.
    garden = [each["item_id"] for each in found["recommendations"] if each["category"] == "garden"]
    assert len(garden) == 8


def test_a_known_user_adds_purchases_to_the_profile(shop: httpx.Client) -> None:
    before = categories(shop, "user-0")
    send(shop, purchase(0, "user-0", "item-39"), purchase(1, "user-0", "item-0"))
    assert before == {"bakery": 21}
    assert categories(shop, "user-0") == {"bakery": 22, "garden": 1}
    last = shop.get("/users/user-0/profile").json()["last_purchase"]
    assert last == AT


def test_purchases_before_the_build_do_not_count_twice(shop: httpx.Client) -> None:
    before = categories(shop, "user-1")
    assert send(shop, purchase(0, "user-1", "item-1", timestamp="2017-11-30T23:59:59"))["new"] == 1
    assert categories(shop, "user-1") == before


def test_events_are_counted(bundles: Path, tmp_path: Path) -> None:
    with listening(create_app(Settings(bundle=bundles, events=tmp_path))) as client:
        early = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        events = [purchase(0, "u", "item-1"), purchase(1, "u", "item-1", timestamp=early)]
        send(client, *events, events[0], {})
        lines = client.get("/metrics").text.splitlines()
    counts = {line for line in lines if line.startswith("rtt2vec_events_total")}
    assert counts == {f'rtt2vec_events_total{{result="{r}"}} {n}.0' for r, n in RESULTS.items()}


def test_an_event_sent_again_counts_once(shop: httpx.Client) -> None:
    event = purchase(0, "user-2", "item-39")
    assert send(shop, event, event) | {"request_id": ""} == {
        "request_id": "", "new": 1, "known": 1, "quarantined": 0, "refused_count": 0, "refused": [],
    }  # fmt: skip
    assert send(shop, event)["known"] == 1
    assert categories(shop, "user-2")["garden"] == 1


def test_invalid_events_are_reported_and_the_others_are_kept(
    shop: httpx.Client, kept: Path
) -> None:
    wrong: list[Any] = [{"event_id": 10**30}, None, {"quantity": float("nan")}]
    answer = send(shop, *wrong[:2], purchase(0, "user-3", "item-2"))
    assert answer["new"] == 1
    assert [each["position"] for each in answer["refused"]] == [0, 1]
    assert len((kept / "dead_letters.jsonl").read_text().splitlines()) == 2
    assert categories(shop, "user-3")["bakery"] == 1


def test_a_purchase_of_an_unknown_item_is_kept_for_the_next_build(shop: httpx.Client) -> None:
    assert send(shop, purchase(0, "user-9", "not in the catalogue"))["new"] == 1
    assert shop.get("/users/user-9/profile").status_code == 404


@given(st.lists(ANYTHING | st.fixed_dictionaries({}, optional=MAYBE), min_size=1, max_size=5))
@settings(deadline=None)
def test_every_event_is_new_known_or_refused(shop: httpx.Client, events: list[Any]) -> None:
    content = json.dumps({"events": events})
    response = shop.post("/events", content=content, headers={"Content-Type": "application/json"})
    assert response.status_code == 200
    answer = response.json()
    counts = ("new", "known", "quarantined", "refused_count")
    assert sum(answer[count] for count in counts) == len(events)
    assert len(answer["refused"]) == answer["refused_count"]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"[]", 422), (b'{"events": []}', 422), (b'{"events": [{}], "x": 1}', 422)],
)
def test_an_invalid_batch_is_a_problem(shop: httpx.Client, body: bytes, status: int) -> None:
    response = shop.post("/events", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"


def test_a_batch_from_the_future_is_to_be_sent_again(shop: httpx.Client, kept: Path) -> None:
    early = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    dead = (kept / "dead_letters.jsonl").read_text()
    events = [purchase(number, "early bird", "item-1", timestamp=early) for number in range(3)]
    response = shop.post("/events", json={"events": events})
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert "all events are from the future" in response.json()["detail"]
    assert send(shop, purchase(3, "early bird", "item-1"), *events)["quarantined"] == 3
    assert (kept / "dead_letters.jsonl").read_text() == dead


def test_an_answer_names_no_more_than_100_refused_events(shop: httpx.Client) -> None:
    answer = send(shop, *[{"quantity": number} for number in range(1000)])
    assert answer["refused_count"] == 1000
    assert [each["position"] for each in answer["refused"]] == list(range(100))


@pytest.mark.parametrize("mode", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_journal_that_is_locked_elsewhere_holds_each_caller_for_one_timeout(
    bundles: Path, tmp_path: Path, mode: str
) -> None:
    options = Settings(bundle=bundles, events=tmp_path, events_timeout_ms=300)
    app = create_app(options)
    app.state.swap.start()
    with listening(app) as client, ThreadPoolExecutor(60) as threads:
        send(client, purchase(0, "user-4", "item-2"))
        with closing(sqlite3.connect(tmp_path / "events.sqlite", isolation_level=None)) as other:
            other.execute(f"BEGIN {mode}")
            body = {"events": [purchase(1, "user-4", "item-2")]}
            began = time.monotonic()
            sending = [threads.submit(client.post, "/events", json=body) for _ in range(60)]
            found = client.post("/recommend", json={"user_id": "user-4"}).json()
            assert (found["source"], found["degraded"]) == ("user", False)
            assert {each.result().status_code for each in sending} == {503}
            # One after another they would take 18 s, with two at a time 9 s.
            assert time.monotonic() - began < 8
            other.execute("ROLLBACK")
        assert send(client, purchase(1, "user-4", "item-2"))["new"] == 1


def test_batches_have_a_limit_of_their_own(bundles: Path, tmp_path: Path) -> None:
    limited = Settings(bundle=bundles, events=tmp_path, events_body_limit_bytes=1000)
    with listening(create_app(limited)) as client:
        events = [purchase(n, "u", "item-1") for n in range(20)]
        assert client.post("/events", json={"events": events}).status_code == 413


def test_events_are_taken_before_a_bundle_is_loaded_and_kept_for_it(
    bundles: Path, tmp_path: Path
) -> None:
    with listening(create_app(Settings(bundle=tmp_path, events=tmp_path))) as client:
        send(client, purchase(0, "early", "item-4"))
    app = create_app(Settings(bundle=bundles, events=tmp_path))
    app.state.swap.start()
    with listening(app) as client:
        assert categories(client, "early") == {"bakery": 1}


def test_without_a_directory_there_is_no_such_route(client: httpx.Client) -> None:
    assert client.post("/events", json={"events": [{}]}).status_code == 404


def test_a_failing_journal_costs_new_purchases_but_no_recommendation(
    bundles: Path, tmp_path: Path
) -> None:
    app = create_app(Settings(bundle=bundles, events=tmp_path))
    app.state.swap.start()
    with listening(app) as client:
        send(client, purchase(0, "user-4", "item-2"))
        with closing(sqlite3.connect(tmp_path / "events.sqlite")) as meddler:
            meddler.execute("ALTER TABLE events RENAME TO lost")
        found = client.post("/recommend", json={"user_id": "user-4"}).json()
        assert (found["source"], found["degraded"]) == ("user", True)
        response = client.post("/events", json={"events": [purchase(1, "user-4", "item-2")]})
        assert response.status_code == 503
        assert response.headers["retry-after"] == "1"


def test_a_score_uses_new_purchases(tmp_path: Path) -> None:
    contents = scored_contents()
    build = {"recency_half_life_days": 60}
    write_bundle(tmp_path / "bundles", replace(contents, build=dict(contents.build) | build))
    app = create_app(Settings(bundle=tmp_path / "bundles", events=tmp_path / "events"))
    app.state.swap.start()
    with listening(app) as client:
        item = contents.catalogue.item_ids[0]
        asked = {"user_id": "new here", "basket": [item]}
        assert client.post("/score", json=asked).json()["score"] is None
        send(client, purchase(0, "new here", item))
        scored = client.post("/score", json=asked).json()
        assert scored["score"] is not None
        assert scored["items"][0]["times_bought"] == 1
