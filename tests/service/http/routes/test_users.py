"""GET /users and GET /users/{user_id}/profile, over HTTP."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import schemathesis
from hypothesis import settings
from pydantic import SecretStr

from service.app import create_app
from service.bundle.bundle import write_bundle
from service.settings import Settings
from tests.data.scored_shop import scored_contents
from tests.service.conftest import ADMIN, ADMIN_KEY, listening

schema = schemathesis.openapi.from_dict(create_app(Settings()).openapi())
USER = "user-03"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of an app whose bundle keeps past baskets."""
    directory = tmp_path_factory.mktemp("bundles")
    app = create_app(Settings(bundle=write_bundle(directory, scored_contents())))
    app.state.swap.start()
    with listening(app) as client:
        yield client


def test_a_profile_sums_up_the_user(shop: httpx.Client) -> None:
    answer = shop.get(f"/users/{USER}/profile").json()
    assert answer["user_id"] == USER
    assert [each["category"] for each in answer["categories"]] == ["aisle 3"]
    assert answer["categories"][0]["count"] == 6 * answer["baskets"]
    assert answer["first_purchase"].startswith("2017-06-0")
    assert answer["last_purchase"].startswith("2017-08-1")
    assert len(answer["begun"]) == answer["baskets"]
    assert (answer["begun"][0], answer["begun"][-1]) == (
        answer["first_purchase"],
        answer["last_purchase"],
    )
    latest = answer["last_items"][0]
    assert latest["bought"] == answer["last_purchase"]
    assert latest["category"] == "aisle 3"


def test_a_user_without_purchases_has_no_profile(shop: httpx.Client) -> None:
    response = shop.get("/users/nobody/profile")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert shop.get(f"/users/{'x' * 129}/profile").status_code == 422


def test_a_bundle_without_past_baskets_gives_no_number_of_baskets(client: httpx.Client) -> None:
    profile = client.get("/users/user-0/profile").json()
    assert (profile["baskets"], profile["first_purchase"]) == (None, None)
    assert profile["categories"] == [{"category": "bakery", "count": 21}]


def test_users_are_found_with_a_portrait(shop: httpx.Client) -> None:
    (found,) = shop.get("/users", params={"query": USER}).json()["users"]
    profile = shop.get(f"/users/{USER}/profile").json()
    assert found == {
        "user_id": USER,
        "baskets": profile["baskets"],
        "last_purchase": profile["last_purchase"],
        "categories": profile["categories"][:3],
    }
    assert len(shop.get("/users", params={"limit": 2}).json()["users"]) == 2
    assert shop.get("/users", params={"limit": 51}).status_code == 422


def test_a_user_id_may_have_slashes(connect: Callable[..., httpx.Client], tmp_path: Path) -> None:
    client = connect(events=tmp_path, admin_key=SecretStr(ADMIN_KEY))
    for user in ("a/b", "a/profile", "/", "%", "a b/ü?#", "..%2f", "a\nb/"):
        event = {"event_id": user, "user_id": user, "basket_id": user, "item_id": "item-1"}
        event["timestamp"] = "2026-01-01T12:00:00Z"
        assert client.post("/events", json={"events": [event]}).json()["new"] == 1
        path = f"/users/{quote(user, safe='')}"
        assert client.get(f"{path}/profile").json()["user_id"] == user
        forgotten = client.delete(path, headers=ADMIN)
        if user.endswith("/profile"):  # the path of a profile, which cannot be deleted
            assert forgotten.status_code == 405
        else:
            assert forgotten.status_code == 200
            assert client.get(f"{path}/profile").status_code == 404


def test_an_item_id_may_have_slashes(client: httpx.Client) -> None:
    answer = client.get("/items/a%2Fb%2F/related").json()
    assert answer["unknown_items"] == ["a/b/"]
    assert "No such item" in client.get("/items/a%2Fb/substitutes").json()["detail"]


@schema.include(path="/users/{user_id}/profile").parametrize()
@settings(max_examples=50, deadline=None)
def test_it_conforms_to_the_document(case: schemathesis.Case[Any], shop: httpx.Client) -> None:
    case.call_and_validate(base_url=str(shop.base_url))
