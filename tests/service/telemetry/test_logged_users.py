"""No warning says who a user is, not even by a hash that others could make."""

import ast
import asyncio
import json
import logging
import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b, new
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from pymemcache import Client

from chaos.memcached import Server, servers, wire
from service.app import create_app
from service.bundle.bundle import Bundle, load_bundle, write_bundle
from service.events.event import RawEvent
from service.events.stream import PurchaseStream
from service.profiles.bundle_profiles import BundleProfiles
from service.profiles.live import LiveProfiles
from service.profiles.profile import Profile, ProfileSource
from service.profiles.store.codec import ProfileCodec
from service.profiles.store.memcached import Memcached
from service.profiles.store.stored_profiles import StoredProfiles
from service.serving.canary import replay
from service.serving.forgetting import Forgetting, ForgettingError
from service.serving.serving import Serving
from service.settings import Settings
from service.support.failures import log_failure
from service.support.forgotten_users import ForgottenUsers
from service.telemetry.logs import JsonFormatter
from service.telemetry.metrics import Metrics
from tests.data.requests import a_request
from tests.data.tiny_bundle import tiny_contents
from tests.service.conftest import listening

USER = "user-4711"
SERVICE = Path(__file__).parents[3] / "service"
NOBODY = "127.0.0.1:1"  # no server listens there

# Where users' data are at hand; other warnings are about files, bundles, workers and brokers.
PLACES = ("events", "http", "profiles", "recommending", "support", "serving/canary.py")
ABOUT_BROKERS = SERVICE / "events" / "kafka"


class Enormous:
    """A profile that no server takes."""

    def __init__(self, own: ProfileSource) -> None:
        self._own = own

    def get(self, user_id: str) -> Profile | None:
        numbers = np.random.default_rng(1).integers(1 << 30, size=300_000, dtype=np.int32)
        profile, indptr = self._own.get(user_id), np.array([0, len(numbers)])
        return profile and profile._replace(past_items=numbers, past_indptr=indptr)


@dataclass
class Shop:
    """A bundle that knows the user, a server for profiles, and what is logged."""

    bundle: Bundle
    server: Server
    directory: Path
    log: StringIO

    def settings(self, **changes: Any) -> Settings:
        return Settings(bundle=self.bundle.path, **changes)

    def stream(self) -> PurchaseStream:
        """A stream with a valid and an invalid purchase of the user."""
        settings = self.settings(events=self.directory / "events", events_export_every_s=0.05)
        stream = PurchaseStream(self.directory / "events", settings)
        ids = dict.fromkeys(("event_id", "user_id", "basket_id", "item_id"), USER)
        event = ids | {"timestamp": datetime.now(UTC).isoformat()}
        stream.take([RawEvent("http", json.dumps(event | {"price": p}).encode()) for p in (1, "x")])
        return stream

    def read(self, address: str, local: ProfileSource | None = None) -> None:
        """Read the user's profile from a server."""
        store = Memcached(address, 10_000)
        local = local or BundleProfiles(self.bundle)
        stored = StoredProfiles(store, local, ProfileCodec(self.bundle), lambda _result: None)
        asyncio.run(stored.in_time(stored, USER))
        store.close()

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.getvalue().splitlines()]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    contents = tiny_contents(user_ids=["a", "b", "c", "d", USER, "f"])
    bundle = load_bundle(write_bundle(tmp_path / "bundles", contents))
    handler = logging.StreamHandler(log := StringIO())
    handler.setFormatter(JsonFormatter())
    handler.addFilter(lambda record: not record.name.startswith("http"))  # of the test's client
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    with servers(1) as (server,):
        yield Shop(bundle, server, tmp_path, log)
    root.setLevel(level)
    root.removeHandler(handler)


def the_store_fails(shop: Shop) -> None:
    shop.read(NOBODY)
    key = ProfileCodec(shop.bundle).key(USER).encode()
    with wire(shop.server) as between:
        for name in (key, USER.encode()):
            for garbage in (
                b"VALUE %s zero one\r\n",
                b"VALUE %s 0 1\r\n.\r\nEND\r\n",
                b"%s\r\n",
                b"SERVER_ERROR %s\r\n",
                b"CLIENT_ERROR %s\r\n",
            ):
                between.garbage = garbage.replace(b"%s", name)
                shop.read(between.address)


def a_profile_is_damaged(shop: Shop) -> None:
    codec = ProfileCodec(shop.bundle)
    own = BundleProfiles(shop.bundle).get(USER)
    assert own is not None
    client = Client(shop.server.address, default_noreply=False)
    key = codec.key(USER)
    wrong = own._replace(counts=np.zeros_like(own.counts))
    for value in (USER.encode(), key.encode(), codec.encode(wrong, key), codec.encode(own, "x")):
        client.set(key, value)
        shop.read(shop.server.address)
    client.close()


def a_profile_is_too_large(shop: Shop) -> None:
    shop.read(shop.server.address, Enormous(BundleProfiles(shop.bundle)))


def purchases_cannot_be_read(shop: Shop) -> None:
    stream = shop.stream()
    live = LiveProfiles(shop.bundle, BundleProfiles(shop.bundle), stream.journal)
    stream.journal.close()
    assert live.get(USER) is not None


def events_cannot_be_kept(shop: Shop) -> None:
    stream = shop.stream()
    ForgottenUsers.beside(shop.bundle.path).add(USER, 1 << 33)
    stream.journal.close()

    async def run() -> None:
        async with stream.running():
            while "the journal cannot be read" not in shop.log.getvalue():
                await asyncio.sleep(0.01)

    asyncio.run(run())


def forgotten_users_cannot_be_read(shop: Shop) -> None:
    users = ForgottenUsers.beside(shop.bundle.path)
    assert users.since(USER) is not None
    (shop.bundle.path.parent / "forgotten.txt").write_text(f"{USER}\n")
    assert users.since(USER) is not None


def profiles_cannot_be_deleted(shop: Shop) -> None:
    settings = shop.settings(memcached=NOBODY)
    with pytest.raises(ForgettingError):
        Forgetting(settings, None).forget(USER)
    serving = Serving(settings, Metrics())
    serving.prepare(shop.bundle.path)
    serving.close()


def both_bundles_fail_in_the_canary(_shop: Shop) -> None:
    fails = Mock(side_effect=KeyError(USER))
    replay([a_request(USER, [USER])], fails, fails)


def a_task_fails(_shop: Shop) -> None:
    failed: Future[None] = Future()
    failed.set_exception(ValueError(USER))
    log_failure("counting users", failed)


def a_request_fails(shop: Shop) -> None:
    app = create_app(shop.settings(log_level="debug"))
    app.state.swap.start()
    with listening(app) as client:
        assert client.get(f"/users/{USER}/profile").status_code == 200
        fails = Mock()
        fails.get.side_effect, fails.recommend.side_effect = KeyError(USER), ValueError(USER)
        parts = dict.fromkeys(("recommender", "deadline", "profiles"), fails)
        app.state.serving.served = app.state.serving.served._replace(**parts)
        assert client.get(f"/users/{USER}/profile").status_code == 500
        body = {"user_id": USER, "basket": [USER], "timeout_ms": 1000}
        assert client.post("/recommend", json=body).status_code == 500
        assert client.post("/recommend", json=body | {"k": USER}).status_code == 422
        assert client.get(f"/users/{USER}").status_code in (403, 404, 405)


def the_journal_is_removed(shop: Shop) -> None:
    events = shop.directory / "removed"
    app = create_app(shop.settings(events=events))
    with listening(app) as client:
        event = dict.fromkeys(("event_id", "user_id", "basket_id", "item_id"), USER)
        batch = {"events": [event | {"timestamp": datetime.now(UTC).isoformat()}]}
        assert client.post("/events", json=batch).status_code == 200
        (events / "events.sqlite").unlink()
        assert client.post("/events", json=batch).status_code == 503


CASES: list[Callable[[Shop], None]] = [
    the_store_fails,
    a_profile_is_damaged,
    a_profile_is_too_large,
    purchases_cannot_be_read,
    both_bundles_fail_in_the_canary,
    a_task_fails,
    a_request_fails,
    the_journal_is_removed,
    # The user is forgotten from here on.
    events_cannot_be_kept,
    profiles_cannot_be_deleted,
    forgotten_users_cannot_be_read,
]


def warnings_of_the_code() -> set[str]:
    """The messages of all warnings and errors where users' data are at hand."""
    roots = [SERVICE / place for place in PLACES]
    paths = {path for root in roots for path in (root, *root.rglob("*.py")) if path.is_file()}
    return {
        call.args[0].value
        for path in paths
        if not path.is_relative_to(ABOUT_BROKERS)
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in ("warning", "error", "exception", "critical")
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    }


def test_no_warning_says_who_the_user_is(shop: Shop) -> None:
    for case in CASES:
        case(shop)
    text = shop.log.getvalue()
    ids = {USER, USER.upper(), ProfileCodec(shop.bundle).key(USER).partition(":")[2]}
    for name in ("md5", "sha1", "sha256", "sha512", "blake2b", "blake2s", "sha3_256"):
        ids |= {(digest := new(name, USER.encode()).hexdigest()), digest[:16]}
    ids |= {blake2b(USER.encode(), digest_size=size).hexdigest() for size in (8, 16, 20, 32)}
    assert [line for line in text.splitlines() if any(each in line for each in ids)] == []
    assert len(warnings_of_the_code()) > 8
    logged = [line["message"] for line in shop.lines() if line["level"] in ("warning", "error")]
    for template in warnings_of_the_code():
        pattern = re.escape(template).replace("%s", ".*")
        assert any(re.fullmatch(pattern, each) for each in logged), template
