"""GET /items/{item_id}/substitutes, as a client sees it."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from service.app import create_app
from service.bundle.bundle import write_bundle
from service.settings import Settings
from tests.data.tiny_bundle import tiny_contents
from tests.service.conftest import listening


def assert_problem(response: httpx.Response, status: int, said: str) -> None:
    assert (response.status_code, response.json()["status"]) == (status, status)
    assert response.headers["content-type"] == "application/problem+json"
    assert said in response.json()["detail"]


def test_the_best_first_with_name_category_and_score(
    client: httpx.Client, bundle_dir: Path
) -> None:
    response = client.get("/items/item-1/substitutes?k=2")
    assert response.status_code == 200
    assert response.json() == {
        "request_id": response.headers["x-request-id"],
        "bundle_id": bundle_dir.name,
        "item_id": "item-1",
        "substitutes": [
            {"item_id": "item-3", "name": "Thing 3", "category": "garden", "score": 0.75},
            {"item_id": "item-7", "name": "Thing 7", "category": "garden", "score": 0.5},
        ],
    }
    assert len(client.get("/items/item-1/substitutes").json()["substitutes"]) == 3


def test_an_item_without_any_has_an_empty_list(client: httpx.Client) -> None:
    response = client.get("/items/item-0/substitutes")
    assert (response.status_code, response.json()["substitutes"]) == (200, [])


@pytest.mark.parametrize("item", ["item-40", "a%2Fb", "%00", "é"])
def test_an_unknown_item_is_a_404(client: httpx.Client, item: str) -> None:
    assert_problem(client.get(f"/items/{item}/substitutes"), 404, "No such item")


@pytest.mark.parametrize("query", ["k=0", "k=101", "k=many", "k=1.5"])
def test_a_k_beyond_the_limits_is_refused(client: httpx.Client, query: str) -> None:
    assert_problem(client.get(f"/items/item-1/substitutes?{query}"), 422, "k: expected")


def test_an_id_beyond_the_limit_is_refused(client: httpx.Client) -> None:
    assert_problem(client.get(f"/items/{'x' * 129}/substitutes"), 422, "item_id: expected")


def test_the_default_k_keeps_to_the_limit(connect: Callable[..., httpx.Client]) -> None:
    answer = connect(k_limit=2).get("/items/item-1/substitutes").json()
    assert len(answer["substitutes"]) == 2


def test_an_older_bundle_says_what_it_lacks(tmp_path: Path) -> None:
    app = create_app(Settings(bundle=write_bundle(tmp_path, tiny_contents())))
    app.state.swap.start()
    with listening(app) as client:
        assert_problem(client.get("/items/item-1/substitutes"), 404, "has no substitutes")


def test_before_the_bundle_is_loaded(tmp_path: Path) -> None:
    app = create_app(Settings(bundle=tmp_path))
    with listening(app) as client:
        assert_problem(client.get("/items/item-1/substitutes"), 503, "Not ready")
