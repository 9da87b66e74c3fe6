"""GET /admin/bundle and POST /admin/recommend, over HTTP."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from service.settings import RecommendOptions
from tests.data.tiny_bundle import N_ITEMS, N_USERS
from tests.service.conftest import ADMIN, ADMIN_KEY

BASKET = {"user_id": "user-1", "basket": ["item-2", "item-4"], "k": 10}


@pytest.fixture(scope="module")
def admin(connect: Callable[..., httpx.Client]) -> httpx.Client:
    """A client of an app with an admin key, which it sends."""
    client = connect(admin_key=SecretStr(ADMIN_KEY))
    client.headers.update(ADMIN)
    return client


def tried(client: httpx.Client, **settings: Any) -> list[dict[str, Any]]:
    answer = client.post("/admin/recommend", json=BASKET | settings)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["recommendations"]
    return found


def test_the_bundle_tells_what_it_is(admin: httpx.Client) -> None:
    facts = admin.get("/admin/bundle").json()
    assert (facts["items"], facts["users"]) == (N_ITEMS, N_USERS)
    assert facts["metrics"]["validation"] == {"recall_at_k": 0.5, "ndcg_at_k": 0.25}
    assert facts["index"]["backend"] == "exact"
    # The bundle has no ranker, so that none is in use.
    assert facts["settings"] == RecommendOptions(ranker=False).model_dump()


def test_without_other_settings_a_trial_is_what_users_get(admin: httpx.Client) -> None:
    answer = admin.post("/recommend", json=BASKET | {"explain": True}).json()
    assert tried(admin) == answer["recommendations"]


def test_a_trial_follows_its_settings_and_changes_none(admin: httpx.Client) -> None:
    before = tried(admin)
    capped = tried(admin, category_cap=5)
    categories = [each["category"] for each in capped]
    assert categories.count("bakery") == categories.count("garden") == 5
    assert [each["category"] for each in before].count("bakery") > 5
    diverse = tried(admin, mmr_lambda=0.0)
    assert [each["item_id"] for each in diverse] != [each["item_id"] for each in before]
    assert tried(admin) == before


@pytest.mark.parametrize(
    "wrong", [{"mmr_lambda": 1.1}, {"category_cap": -1}, {"search": "all"}, {"mmr_pool": 3}]
)
def test_settings_have_the_bounds_of_settings(admin: httpx.Client, wrong: dict[str, Any]) -> None:
    answer = admin.post("/admin/recommend", json=BASKET | wrong)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == next(iter(wrong))
