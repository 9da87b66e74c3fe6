"""Liveness, readiness and metrics."""

import asyncio
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from service.app import create_app
from service.bundle.bundle import Bundle
from service.settings import Settings
from service.telemetry.metrics import Metrics
from tests.service.conftest import ADMIN, ADMIN_KEY, listening


def test_health_gives_the_bundle_once_it_is_ready(client: httpx.Client, bundle_dir: Path) -> None:
    assert client.get("/health/live").status_code == 200
    assert client.get("/health/ready").status_code == 200
    assert client.get("/health").json() == {
        "live": True,
        "ready": True,
        "bundle_id": bundle_dir.name,
        "reason": None,
        "previous_bundle_id": None,
        "bundle_refused": None,
        "rules_refused": None,
        "rules_warnings": [],
    }


def test_is_live_but_not_ready_while_the_bundle_loads(
    bundle_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(Settings(bundle=bundle_dir))
    load: Callable[[], None] = app.state.swap.look
    release, loaded = threading.Event(), threading.Event()

    def load_when_released() -> None:
        release.wait()
        load()
        loaded.set()

    monkeypatch.setattr(app.state.swap, "look", load_when_released)
    with listening(app) as client:
        assert client.get("/health/live").status_code == 200
        assert client.get("/health/ready").status_code == 503
        refused = client.post("/recommend", json={})
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        release.set()
        loaded.wait()
        assert client.get("/health/ready").status_code == 200
        assert client.post("/recommend", json={}).status_code == 200


def test_a_refused_bundle_is_the_reason_for_not_being_ready(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(Settings(bundle=tmp_path, admin_key=SecretStr(ADMIN_KEY)))
    app.state.swap.start()
    with listening(app) as client:
        assert client.get("/health/live").status_code == 200
        assert client.get("/health/ready").status_code == 503
        assert str(tmp_path) in client.get("/health", headers=ADMIN).json()["reason"]
    assert str(tmp_path) in caplog.text


def test_metrics_are_made_once_for_all_who_ask_at_once(
    bundle_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = count(1)
    monkeypatch.setattr(Metrics, "render", lambda _: b"%d" % next(numbers))
    app = create_app(Settings(bundle=bundle_dir))

    async def scrapes() -> list[str]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            at_once = await asyncio.gather(*(client.get("/metrics") for _ in range(20)))
            return [each.text for each in [*at_once, await client.get("/metrics")]]

    assert asyncio.run(scrapes()) == ["1"] * 20 + ["2"]


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready", "/metrics", "/docs"])
def test_probes_and_metrics_answer_to_head(client: httpx.Client, path: str) -> None:
    asked, got = client.head(path), client.get(path)
    assert asked.status_code == got.status_code == 200
    assert asked.content == b""
    assert asked.headers["content-type"] == got.headers["content-type"]


def test_rules_that_cannot_be_read_are_a_reason_too(bundle_dir: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules: 1")
    app = create_app(Settings(bundle=bundle_dir, rules=rules))
    app.state.swap.start()
    assert f"{rules}, line 1: rules" in app.state.serving.reason


def test_a_bug_while_loading_is_a_reason_and_its_traceback_is_in_the_log_alone(
    bundle_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Path) -> Bundle:
        raise ZeroDivisionError("the cat sat on it")

    app = create_app(Settings(bundle=bundle_dir), load=fail)

    app.state.swap.start()
    serving = app.state.serving
    assert serving.served is None
    assert serving.reason == "The bundle could not be loaded; the log has the reason."
    assert "the cat sat on it" in caplog.text
    assert any(record.exc_info for record in caplog.records)
