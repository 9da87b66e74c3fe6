"""The routes beside which /recommend is measured."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bench.serving.echo import create_echo_app
from service.http.routes.recommend import RecommendResponse
from service.settings import Settings
from tests.service.conftest import listening

ASKED = {"user_id": "user-0", "basket": ["item-0"], "k": 20}


@pytest.fixture(scope="module")
def client(bundle_dir: Path) -> Iterator[httpx.Client]:
    """A client of the service with the echo routes."""
    app = create_echo_app(Settings(bundle=bundle_dir, k_limit=30))
    app.state.swap.start()
    with listening(app) as client:
        yield client


@pytest.mark.parametrize("route", ["/echo", "/echo-prebuilt", "/recommend"])
def test_they_take_and_give_what_recommend_does(client: httpx.Client, route: str) -> None:
    answer = RecommendResponse.model_validate_json(client.post(route, json=ASKED).content)
    assert len(answer.recommendations) == 20
    assert client.post(route, json=ASKED | {"k": 31}).status_code == 422


def test_only_one_of_them_builds_its_answer_for_every_request(client: httpx.Client) -> None:
    def answers(route: str) -> int:
        return len({client.post(route, json=ASKED).json()["request_id"] for _ in range(3)})

    assert (answers("/echo"), answers("/echo-prebuilt")) == (3, 1)
