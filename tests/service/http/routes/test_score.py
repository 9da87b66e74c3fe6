"""POST /score, over HTTP."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import settings

from service.app import create_app
from service.bundle.bundle import write_bundle
from service.settings import Settings
from tests.data.scored_shop import aisle_items, scored_contents
from tests.service.conftest import listening

SETTINGS = Settings(basket_limit=20)
schema = schemathesis.openapi.from_dict(create_app(SETTINGS).openapi())
USER = "user-03"
OWN = aisle_items(USER)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of an app whose bundle can score."""
    directory = tmp_path_factory.mktemp("bundles")
    write_bundle(directory, scored_contents())
    app = create_app(SETTINGS.model_copy(update={"bundle": directory}))
    app.state.swap.start()
    with listening(app) as client:
        yield client


def score(client: httpx.Client, **body: Any) -> dict[str, Any]:
    response = client.post("/score", json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_a_basket_is_scored(shop: httpx.Client) -> None:
    answer = score(shop, user_id=USER, basket=[OWN[4], "ghost", OWN[0], "item-00"])
    assert list(answer) == [
        "request_id", "bundle_id", "degraded", "unknown_items",
        "score", "population_score", "items",
    ]  # fmt: skip
    assert answer["unknown_items"] == ["ghost"]
    assert not answer["degraded"]
    assert 0 < answer["score"] < 1
    assert 0 < answer["population_score"] < 1
    first, second, stranger = answer["items"]
    assert [first["item_id"], second["item_id"]] == [OWN[4], OWN[0]]
    assert list(first) == [
        "item_id", "category", "bought_before", "times_bought", "last_bought", "contribution",
    ]  # fmt: skip
    assert first["category"] == "aisle 3"
    assert first["bought_before"]
    assert first["times_bought"] > 10
    assert first["last_bought"].startswith("2017-08-")
    assert first["last_bought"].endswith("Z")
    assert stranger["contribution"] < first["contribution"]
    assert (stranger["bought_before"], stranger["last_bought"]) == (False, None)


def test_a_stranger_gets_the_population_score_alone(shop: httpx.Client) -> None:
    answer = score(shop, user_id="nobody", basket=OWN[:6])
    assert answer["score"] is None
    assert answer["degraded"]
    assert answer["population_score"] > 0.9
    assert not score(shop, basket=OWN[:5])["degraded"]


def test_a_basket_without_known_items_has_no_scores(shop: httpx.Client) -> None:
    answer = score(shop, user_id=USER, basket=["ghost"])
    assert (answer["score"], answer["population_score"], answer["items"]) == (None, None, [])
    assert answer["degraded"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"basket": []}, "basket"),
        ({}, "basket"),
        ({"basket": ["x"] * 21}, "basket"),
        ({"basket": [""]}, "basket[0]"),
        ({"basket": [1]}, "basket[0]"),
        ({"user_id": 3, "basket": ["x"]}, "user_id"),
        ({"user_id": "x" * 129, "basket": ["x"]}, "user_id"),
        ({"basket": ["x"], "k": 3}, "k"),
    ],
)
def test_an_invalid_basket_is_refused(shop: httpx.Client, body: Any, field: str) -> None:
    response = shop.post("/score", json=body)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["errors"][0]["field"] == field


def test_a_bundle_without_a_score_says_so(client: httpx.Client) -> None:
    response = client.post("/score", json={"user_id": "user-0", "basket": ["item-1"]})
    assert response.status_code == 404
    assert "build it with rtt2vec-build" in response.json()["detail"]


@schema.include(path="/score").parametrize()
@settings(max_examples=100, deadline=None)
def test_it_conforms_to_the_document(case: schemathesis.Case[Any], shop: httpx.Client) -> None:
    case.call_and_validate(base_url=str(shop.base_url))
