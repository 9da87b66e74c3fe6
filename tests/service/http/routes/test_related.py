"""GET /items/{item_id}/related and POST /related, as a client sees them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.app import create_app
from service.bundle.bundle import write_bundle
from service.settings import Settings
from tests.data.ruled_shop import ruled_contents
from tests.data.tiny_bundle import N_ITEMS, tiny_contents
from tests.service.conftest import listening

Connect = Callable[..., httpx.Client]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a bundle with association rules."""
    return write_bundle(tmp_path_factory.mktemp("ruled"), ruled_contents())


@pytest.fixture(scope="module")
def shop(directory: Path) -> Iterator[httpx.Client]:
    """A client of an app with association rules."""
    app = create_app(Settings(bundle=directory))
    app.state.swap.start()
    with listening(app) as client:
        yield client


def related(response: httpx.Response) -> list[tuple[str, list[str] | None]]:
    assert response.status_code == 200, response.text
    found = response.json()["related"]
    assert all((each["source"] == "rule") == (each["rule"] is not None) for each in found)
    return [(each["item_id"], each["rule"] and each["rule"]["antecedent"]) for each in found]


def test_items_related_to_one_item_come_with_their_rule(shop: httpx.Client) -> None:
    response = shop.get("/items/item-10/related?k=2")
    assert related(response) == [("item-12", ["item-10"]), ("item-16", ["item-10"])]
    first = response.json()["related"][0]
    assert (first["name"], first["category"]) == ("Thing 12", "bakery")
    rule = first["rule"]
    assert rule["support"] == pytest.approx(6 / 20)
    assert rule["confidence"] == pytest.approx(6 / 7)
    assert rule["lift"] == pytest.approx((6 / 7) / (8 / 20))


def test_three_items_are_returned_by_default(shop: httpx.Client) -> None:
    assert len(related(shop.get("/items/item-10/related"))) == 3
    assert len(related(shop.post("/related", json={"items": ["item-10"]}))) == 3
    assert len(related(shop.get(f"/items/item-10/related?k={N_ITEMS}"))) == N_ITEMS - 1


def test_items_related_to_several_at_once_come_first(shop: httpx.Client) -> None:
    request = {"items": ["item-12", "?", "item-10", "item-12"], "k": 4}
    response = shop.post("/related", json=request)
    assert related(response) == [
        ("item-16", ["item-10", "item-12"]),
        ("item-14", ["item-10", "item-12"]),
        ("item-11", ["item-10"]),
        ("item-0", None),
    ]
    assert response.json()["unknown_items"] == ["?"]


@pytest.mark.parametrize("items", [["?"], []])
def test_for_unknown_items_the_best_sellers_are_returned(
    shop: httpx.Client, items: list[str]
) -> None:
    best = [("item-0", None), ("item-1", None), ("item-2", None)]
    assert related(shop.post("/related", json={"items": items})) == best
    assert related(shop.get("/items/%3F/related")) == best


def test_business_rules_apply_here_too(directory: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules:\n  - {name: none of it, action: exclude, item: [item-16, item-0]}\n")
    app = create_app(Settings(bundle=directory, rules=rules))
    app.state.swap.start()
    with listening(app) as client:
        found = related(client.post("/related", json={"items": ["item-10", "item-12"], "k": 5}))
    assert [item for item, _ in found] == ["item-14", "item-11", "item-1", "item-2", "item-3"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "items"),
        ({"items": "item-1"}, "items"),
        ({"items": [""]}, "items[0]"),
        ({"items": ["x"] * 201}, "items"),
        ({"items": [], "k": 0}, "k"),
        ({"items": [], "k": 101}, "k"),
        ({"items": [], "basket": []}, "basket"),
    ],
)
def test_an_invalid_request_is_refused(shop: httpx.Client, body: Any, field: str) -> None:
    response = shop.post("/related", json=body)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["errors"][0]["field"] == field


def test_a_bundle_without_rules_says_so(tmp_path: Path) -> None:
    app = create_app(Settings(bundle=write_bundle(tmp_path, tiny_contents())))
    app.state.swap.start()
    with listening(app) as client:
        for response in (
            client.get("/items/x/related"),
            client.post("/related", json={"items": []}),
        ):
            assert response.status_code == 404
            assert "rtt2vec-build of this version" in response.json()["detail"]
