"""GET /users and GET /users/{user_id}/profile, over HTTP."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import settings

from service.app import create_app
from service.bundle.bundle import write_bundle
from service.settings import Settings
from tests.data.scored_shop import scored_contents
from tests.service.conftest import listening

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


@schema.include(path="/users/{user_id}/profile").parametrize()
@settings(max_examples=50, deadline=None)
def test_it_conforms_to_the_document(case: schemathesis.Case[Any], shop: httpx.Client) -> None:
    case.call_and_validate(base_url=str(shop.base_url))
