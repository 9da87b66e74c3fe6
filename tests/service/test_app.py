"""What holds for all routes, as a client sees it."""

import json
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest

from service.app import create_app
from service.settings import Settings
from tests.service.conftest import listening


def test_the_request_id_is_the_callers_if_it_is_safe(client: httpx.Client) -> None:
    response = client.post("/recommend", json={}, headers={"X-Request-ID": "cart:42"})
    assert response.headers["x-request-id"] == response.json()["request_id"] == "cart:42"


@pytest.mark.parametrize("unsafe", ["", "a b", "x" * 129, '{"a": 1}', "é"])
def test_the_request_id_is_replaced_if_not(client: httpx.Client, unsafe: str) -> None:
    response = client.get("/nowhere", headers={b"X-Request-ID": unsafe.encode()})
    assert response.headers["x-request-id"] == response.json()["request_id"]
    assert len(response.json()["request_id"]) == 32


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


@pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
def test_requests_go_on_while_the_documentation_is_made(
    bundle_dir: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    app = create_app(Settings(bundle=bundle_dir))
    made, asked, answered = app.openapi, Event(), Event()

    def slowly() -> dict[str, Any]:
        asked.set()
        assert answered.wait(timeout=30)
        return made()

    monkeypatch.setattr(app, "openapi", slowly)
    with listening(app) as client, ThreadPoolExecutor(1) as thread:
        page = thread.submit(client.get, path)
        assert asked.wait(timeout=30)
        assert client.get("/health/live").status_code == 200
        answered.set()
        assert page.result().status_code == 200


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
