"""POST /recommend/batch: one answer for each request, and no one waits for all of them."""

import asyncio
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.http.admission import Queue
from service.http.problems import ProblemError

REQUESTS: list[dict[str, Any]] = [
    {"user_id": "user-0", "basket": ["item-0"], "k": 5},
    {},
    {"user_id": "stranger", "basket": ["item-1", "?"], "explain": True},
    {"exclude_categories": ["bakery"], "k": 40},
]


def steady(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without what differs from one request to the next."""
    return {name: answer[name] for name in answer.keys() - {"request_id", "took_ms"}}


def test_each_request_has_the_answer_that_it_would_have_alone(client: httpx.Client) -> None:
    response = client.post("/recommend/batch", json={"requests": REQUESTS})
    assert response.headers["content-type"] == "application/json"
    found = response.json()
    assert found["request_id"] == response.headers["x-request-id"]
    assert {each["request_id"] for each in found["answers"]} == {found["request_id"]}
    alone = [client.post("/recommend", json=each).json() for each in REQUESTS]
    assert [steady(each) for each in found["answers"]] == [steady(each) for each in alone]


def test_a_hundred_requests_are_the_most(client: httpx.Client) -> None:
    found = client.post("/recommend/batch", json={"requests": [{"k": 1}] * 100}).json()
    assert len(found["answers"]) == 100
    response = client.post("/recommend/batch", json={"requests": [{}] * 101})
    assert response.status_code == 422
    assert response.json()["errors"][0]["expected"] == "at most 100 items"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "requests"),
        ({"requests": []}, "requests"),
        ({"requests": [{}, {"k": 0}]}, "requests[1].k"),
        ({"requests": [{"baskets": []}]}, "requests[0].baskets"),
        ({"requests": [[]]}, "requests[0]"),
        ({"requests": [{}], "k": 3}, "k"),
    ],
)
def test_an_invalid_request_refuses_the_batch_and_is_named(
    client: httpx.Client, body: Any, field: str
) -> None:
    response = client.post("/recommend/batch", json=body)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == field


def test_a_key_counts_every_request_of_a_batch(
    connect: Callable[..., httpx.Client], tmp_path: Path
) -> None:
    key = "a key that may do little"
    (tmp_path / "keys.toml").write_text(
        f'[[keys]]\nname = "few"\nscopes = ["recommend"]\nlimit_per_s = 3\n'
        f'sha256 = "{sha256(key.encode()).hexdigest()}"\n'
    )
    client = connect(api_keys=tmp_path / "keys.toml")
    headers = {"Authorization": f"Bearer {key}"}
    refused = client.post("/recommend/batch", json={"requests": [{}] * 4}, headers=headers)
    assert refused.status_code == 429
    assert refused.json()["detail"] == "The key few may send 3 requests a second."


def test_a_batch_lets_others_in_between() -> None:
    order: list[str] = []

    async def take_turns(queue: Queue, name: str) -> None:
        await queue.turn()
        for _ in range(3):
            await queue.another_turn()
            order.append(name)

    async def at_once() -> None:
        queue = Queue(32, lambda: pytest.fail("shed"))
        await asyncio.gather(*(take_turns(queue, name) for name in "ab"))

    asyncio.run(at_once())
    assert sorted(order) == list("aaabbb")
    assert order.index("b") < 3  # not after all of the other's


def test_a_batch_that_has_begun_is_not_refused_where_others_are() -> None:
    shed: list[None] = []

    async def at_once() -> None:
        queue = Queue(1, lambda: shed.append(None))
        await queue.turn()
        waiting = asyncio.create_task(queue.turn())
        begun = asyncio.create_task(queue.another_turn())
        refused = asyncio.create_task(queue.turn())
        await asyncio.wait([waiting, begun, refused])
        assert isinstance(refused.exception(), ProblemError)
        assert (waiting.exception(), begun.exception()) == (None, None)

    asyncio.run(at_once())
    assert len(shed) == 1
