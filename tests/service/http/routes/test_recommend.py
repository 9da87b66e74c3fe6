"""`POST /recommend`, as a client sees it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from service.app import create_app
from service.http.routes.recommend import RecommendResponse
from service.settings import Settings
from tests.service.conftest import ADMIN_KEY, listening


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
