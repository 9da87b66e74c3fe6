"""The routes of the app, as a client sees them."""

import asyncio
import json
import logging
import re
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from service.app import create_app
from service.http.routes.recommend import RecommendResponse
from service.settings import Settings
from service.telemetry.metrics import Metrics
from tests.service.conftest import ADMIN, ADMIN_KEY, listening


def test_answers_with_k_distinct_items_and_none_of_the_basket(client: httpx.Client) -> None:
    basket = ["item-0", "item-2"]
    response = client.post("/recommend", json={"user_id": "user-0", "basket": basket, "k": 5})
    assert response.status_code == 200
    answer = RecommendResponse.model_validate_json(response.content, strict=True)
    items = [each.item_id for each in answer.recommendations]
    assert len(set(items) - set(basket)) == 5
    assert {each.category for each in answer.recommendations} == {"bakery"}
    assert (answer.source, answer.degraded, answer.unknown_items) == ("user+basket", False, [])


def test_an_empty_request_is_answered_by_popularity(client: httpx.Client) -> None:
    answer = client.post("/recommend", json={}).json()
    assert answer["source"] == "popularity"
    assert [each["item_id"] for each in answer["recommendations"]] == [
        f"item-{i}" for i in range(20)
    ]


def test_unknown_users_and_items_are_no_error(client: httpx.Client) -> None:
    answer = client.post("/recommend", json={"user_id": "?", "basket": ["?", "item-1"]}).json()
    assert (answer["source"], answer["degraded"]) == ("basket", True)
    assert answer["unknown_items"] == ["?"]


def test_a_memcached_that_does_not_answer_is_told(connect: Callable[..., httpx.Client]) -> None:
    asked = {"user_id": "user-0"}
    answer = connect(memcached="127.0.0.1:1").post("/recommend", json=asked).json()
    assert (answer["source"], answer["degraded"]) == ("user", True)


def test_exclusions_apply(client: httpx.Client) -> None:
    request = {"exclude_items": ["item-1"], "exclude_categories": ["bakery"], "k": 40}
    recommendations = client.post("/recommend", json=request).json()["recommendations"]
    assert {each["category"] for each in recommendations} == {"garden"}
    assert len(recommendations) == 19


def test_only_included_categories_are_recommended(client: httpx.Client) -> None:
    request = {"include_categories": ["garden ", "shelf 1"], "exclude_items": ["item-1"], "k": 40}
    answer = client.post("/recommend", json=request).json()
    found = {each["item_id"] for each in answer["recommendations"]}
    odd, shelf = set(range(1, 40, 2)), set(range(8, 16)) - {10}
    assert found == {f"item-{item}" for item in (odd | shelf) - {1}}
    assert answer["unknown_categories"] == []


@pytest.mark.parametrize("basket", [[], ["item-0"]])
def test_unknown_categories_are_told(client: httpx.Client, basket: list[str]) -> None:
    request = {"basket": basket, "exclude_categories": ["bakery", "Bakery", "x", "Bakery"]}
    answer = client.post("/recommend", json=request | {"include_categories": ["y", "garden"]})
    assert answer.json()["unknown_categories"] == ["Bakery", "x", "y"]
    answer = client.post("/recommend", json={"basket": basket, "include_categories": ["y"]})
    assert (answer.json()["unknown_categories"], answer.json()["recommendations"]) == (["y"], [])


def test_purchases_of_the_user_may_be_left_out(client: httpx.Client) -> None:
    def bought(user: str | None, wish: Any) -> set[str]:
        request = {"user_id": user, "k": 40, "exclude_purchased": wish}
        answer = client.post("/recommend", json=request).json()
        return {f"item-{item}" for item in range(40)} - {
            each["item_id"] for each in answer["recommendations"]
        }

    history = {f"item-{2 * number + 1}" for number in range(6)}  # of 2017
    assert bought("user-4", True) == bought("user-4", 36_500) == history
    for user, wish in (("user-4", False), ("user-4", None), ("user-4", 30), (None, True)):
        assert bought(user, wish) == set()


def test_null_means_an_empty_list(client: httpx.Client) -> None:
    lists = ("basket", "exclude_items", "exclude_categories", "include_categories")
    answer = client.post("/recommend", json=dict.fromkeys(lists)).json()
    assert len(answer["recommendations"]) == 20
    assert answer["source"] == "popularity"
    for item in (None, [None]):
        assert client.post("/recommend", json={"basket": [item]}).status_code == 422


def test_spaces_around_an_id_do_not_belong_to_it(client: httpx.Client) -> None:
    plain = {"user_id": "user-0", "basket": ["item-2"], "exclude_items": ["item-4"]}
    spaced = {"user_id": " user-0", "basket": ["item-2\u00a0"], "exclude_items": ["\titem-4"]}
    asked = [client.post("/recommend", json=each).json() for each in (plain, spaced)]
    assert asked[0]["recommendations"] == asked[1]["recommendations"]
    assert [each["source"] for each in asked] == ["user+basket"] * 2


@pytest.mark.parametrize("explain", [True, False])
def test_reasons_come_only_when_asked_for(client: httpx.Client, explain: bool) -> None:
    request = {"user_id": "user-0", "basket": ["item-0"], "explain": explain}
    for each in client.post("/recommend", json=request).json()["recommendations"]:
        assert ("reasons" in each) is explain
        if explain:
            parts = sum(each["reasons"][part] for part in ("basket", "user", "popularity"))
            assert parts == pytest.approx(each["score"], rel=1e-4)


def test_the_request_id_is_the_callers_if_it_is_safe(client: httpx.Client) -> None:
    response = client.post("/recommend", json={}, headers={"X-Request-ID": "cart:42"})
    assert response.headers["x-request-id"] == response.json()["request_id"] == "cart:42"


@pytest.mark.parametrize("unsafe", ["", "a b", "x" * 129, '{"a": 1}', "é"])
def test_the_request_id_is_replaced_if_not(client: httpx.Client, unsafe: str) -> None:
    response = client.get("/nowhere", headers={b"X-Request-ID": unsafe.encode()})
    assert response.headers["x-request-id"] == response.json()["request_id"]
    assert len(response.json()["request_id"]) == 32


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


def test_reasons_are_shown_to_an_admin_key_alone(bundle_dir: Path, tmp_path: Path) -> None:
    """Also where no key is set: they contain paths and business rules."""
    (rules := tmp_path / "rules.yaml").write_text("rules: []")
    bundles = tmp_path / "bundles"
    for bundle, key in ((bundles, SecretStr(ADMIN_KEY)), (bundles, None), (bundle_dir, None)):
        app = create_app(Settings(bundle=bundle, rules=rules, events=tmp_path, admin_key=key))
        app.state.swap.start()
        rules.write_text("rules: secret")
        app.state.serving.look_at_rules()
        (tmp_path / "events.sqlite").write_bytes(b"no journal")
        with listening(app) as client:
            for headers in ({}, {"Authorization": "Bearer of some other key"}):
                told = [
                    client.get("/health", headers=headers),
                    client.get("/health/ready", headers=headers),
                    client.get("/users/a/profile", headers=headers),
                    client.post("/recommend", json={}, headers=headers),
                    client.post("/related", json={"items": ["a"]}, headers=headers),
                    client.post("/events", json={"events": [{}]}, headers=headers),
                ]
                for each in told:
                    assert str(tmp_path) not in each.text, each.url
                    assert "secret" not in each.text
                assert any("The log says why" in each.text for each in told)
        rules.write_text("rules: []")
        (tmp_path / "events.sqlite").unlink()


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
    bundle_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Path) -> None:
        raise ZeroDivisionError("the cat sat on it")

    monkeypatch.setattr("service.serving.serving.load_bundle", fail)
    app = create_app(Settings(bundle=bundle_dir))

    app.state.swap.start()
    serving = app.state.serving
    assert serving.served is None
    assert serving.reason == "The bundle could not be loaded; the log has the reason."
    assert "the cat sat on it" in caplog.text
    assert any(record.exc_info for record in caplog.records)


def test_a_bug_is_a_500_with_its_traceback_in_the_log_alone(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("the cat sat on it")

    monkeypatch.setattr("service.recommending.recommender.Recommender.recommend", fail)
    response = client.post("/recommend", json={})
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-request-id"] == response.json()["request_id"]
    assert response.headers["connection"] == "close"
    assert "cat" not in response.text
    counted = 'rtt2vec_requests_total{route="/recommend",status="500"} 1.0'
    assert counted in client.get("/metrics").text
    assert "the cat sat on it" in caplog.text  # the log has it once the next request is answered


def test_a_path_that_is_not_there(client: httpx.Client) -> None:
    response = client.get("/nowhere")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert "GET /nowhere" in response.json()["detail"]


def test_a_method_that_is_not_there(client: httpx.Client) -> None:
    response = client.get("/recommend")
    assert response.status_code == 405
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["allow"] == "POST"


def test_the_openapi_document_states_the_limits_of_the_settings() -> None:
    app = create_app(Settings(basket_limit=3, k_limit=4, id_limit_chars=5))
    post = app.openapi()["paths"]["/recommend"]["post"]
    request = post["requestBody"]["content"]["application/json"]["schema"]["properties"]
    basket, _null = request["basket"]["anyOf"]
    assert basket["maxItems"] == 3
    assert basket["items"]["maxLength"] == 5
    assert (request["k"]["minimum"], request["k"]["maximum"], request["k"]["default"]) == (1, 4, 4)
    refusals = {"400", "401", "403", "413", "415", "422", "429", "500", "503"}
    assert post["responses"].keys() == {"200"} | refusals


def test_the_documentation_has_every_field_and_loads_nothing(client: httpx.Client) -> None:
    page = client.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith("default-src 'none';")
    for path, operations in client.get("/openapi.json").json()["paths"].items():
        for method, operation in operations.items():
            assert f"<code>{method.upper()} {path}</code>" in page.text
            for media in operation.get("requestBody", {"content": {}})["content"].values():
                for name in media["schema"]["properties"]:
                    assert f"<code>{name}</code>" in page.text
    assert re.findall(r"(?:src|href)=([^ >]+)", page.text) == ["openapi.json"]
    assert not re.search(r"<script|@import|url\(|//", page.text)


def test_the_log_names_the_request_and_not_the_user(
    client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client.post("/recommend", json={"user_id": "user-0"}, headers={"X-Request-ID": "r1"})
    client.post("/recommend", json={"user_id": "user-0", "k": "no"})
    client.get("/health/live")  # by its answer, those before it are logged
    records = [record for record in caplog.records if record.name == "service.access"]
    records = [record for record in records if record.levelno == logging.INFO]
    assert [record.__dict__["status"] for record in records] == [200, 422]
    assert all("user-0" not in json.dumps(record.__dict__, default=str) for record in records)
