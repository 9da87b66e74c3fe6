"""What a request may cost: every field is bounded, and the worst request of each route is cheap.

The requests are made from the OpenAPI document, so that a new field is part of them.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import process_time, thread_time
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pyarrow as pa
import pytest
from fastapi import FastAPI
from pyarrow import parquet
from pydantic import SecretStr
from starlette.types import Message

from service.app import create_app
from service.bundle.bundle import write_bundle
from service.recommending.request import RecommendRequest
from service.settings import Settings
from tests.data.large_shop import N_ITEMS, large_contents
from tests.service.conftest import ADMIN, ADMIN_KEY

LOOP_MS = 50
EVENTS_MS_PER_MIB = 250
ANSWER_BYTES = 200_000
MIB = 1 << 20
RUNS = 3
LATEST = "9999-12-31T23:59:59.999999-23:59"
STORE = "north"
BATCH = "/recommend/batch"

Name = Callable[[str, int, int], str]
"""From a field, a number and the greatest length to the number's text for this field."""


def bounds(schema: dict[str, Any], *names: str) -> list[Any]:
    """The bounds of a field; all of them are there."""
    assert all(name in schema for name in names), schema
    return [schema[name] for name in names]


def worst(schema: dict[str, Any], field: str, name: Name, number: int = 0) -> Any:
    """The largest value that the schema of a field admits; `number` tells values of a list apart.

    Fails if there is no largest one.
    """
    if options := schema.get("anyOf"):
        schema = next(each for each in options if each["type"] != "null")
    match schema:
        case {"enum": [*values]}:
            return values[-1]
        case {"type": "object", "properties": properties, "additionalProperties": False}:
            return {key: worst(each, key, name, number) for key, each in properties.items()}
        case {"type": "array", "items": items}:
            (count,) = bounds(schema, "maxItems")
            return [worst(items, field, name, each) for each in range(count)]
        case {"type": "string", "format": "date-time"}:
            return LATEST
        case {"type": "string"}:
            return name(field, number, *bounds(schema, "maxLength"))
        case {"type": "integer" | "number"}:
            return bounds(schema, "minimum", "maximum")[1]
        case {"type": "boolean"}:
            return True
    pytest.fail(f"{field} has no largest value: {schema}")


def encoded_within(limit_bytes: int, body: dict[str, Any]) -> bytes:
    """A body as JSON; of a batch only as many requests as have room."""
    while len(encoded := json.dumps(body).encode()) > limit_bytes and "requests" in body:
        body["requests"].pop()
    return encoded


def unknown(_field: str, number: int, length: int) -> str:
    """A text of the greatest length that nothing is called, and that differs at its end alone."""
    return str(number).rjust(length, "x")


def known(field: str, number: int, length: int) -> str:
    """A text that means something for this field."""
    return KNOWN[field](number, length)


def rules_text(_number: int, length: int) -> str:
    """A rules file of the greatest length."""
    return "".join(rules(length))


def rules(length: int) -> Iterator[str]:
    """The lines of a rules file of at most `length` characters; each rule concerns every item."""
    yield "rules:\n"
    size = 7
    kinds = (
        "boost, factor: 2", "bury, factor: 0.5", "pin, place: {}", "minimum, count: 1",
        "exclude_purchased, days: {}",
    )  # fmt: skip
    for number in range(length):
        kind = kinds[number % len(kinds)].format(number % 100 + 1)
        line = f"- {{name: rule {number}, action: {kind}, price: {{min: 0}}}}\n"
        size += len(line)
        if size > length:
            return
        yield line


KNOWN: dict[str, Callable[[int, int], str]] = {
    "user_id": lambda *_: "user-0",
    "store_id": lambda *_: STORE,
    "item_id": lambda number, _: f"item-{number}",
    "basket": lambda number, _: f"item-{7 * number}",
    "items": lambda number, _: f"item-{7 * number}",
    "exclude_items": lambda number, _: f"item-{3 * number + 1}",
    "exclude_categories": lambda number, _: f"subcategory {number}",
    "query": lambda *_: "thing t h i n g 1 2",
    "department": lambda *_: "department 0",
    "category": lambda *_: "category 0",
    "include_categories": lambda number, _: f"subcategory {2 * number}",
    "rules": rules_text,
    "event_id": lambda number, length: str(number).rjust(length, "e"),
    "basket_id": lambda number, length: str(number).rjust(length, "b"),
    "timestamp": lambda *_: "2017-12-31T23:59:59.999999-23:59",
}


@dataclass
class Request:
    """A request as ASGI has it."""

    method: str
    path: str
    query: str
    body: bytes

    @classmethod
    def of(cls, method: str, path: str, operation: dict[str, Any], name: Name) -> "Request":
        """The worst request that an operation of an OpenAPI document admits."""
        places: dict[str, dict[str, Any]] = {"path": {}, "query": {}}
        for each in operation.get("parameters", ()):
            value = worst(each["schema"], each["name"], name)
            places[each["in"]][each["name"]] = value
        path = path.format_map(places["path"])
        content = operation.get("requestBody", {"content": {}})["content"]
        assert content.keys() <= {"application/json"}
        bodies = [worst(each["schema"], "", name) for each in content.values()]
        encoded = b"".join(encoded_within(MIB, each) for each in bodies)
        return cls(method.upper(), path, urlencode(places["query"]), encoded)

    async def answer(self, app: FastAPI) -> tuple[int, bytes]:
        """Status and largest part of the answer, which is sent in one part or in several."""
        sent: list[Message] = []
        unread: list[Message] = [{"type": "http.request", "body": self.body}]

        async def receive() -> Message:
            return unread.pop()

        async def send(message: Message) -> None:
            sent.append(message)

        headers = {"content-type": "application/json"} | ADMIN
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": self.method,
            "scheme": "http",
            "path": self.path,
            "query_string": self.query.encode(),
            "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
            "state": {},
        }
        await app(scope, receive, send)
        return sent[0]["status"], max((each.get("body", b"") for each in sent), key=len)

    async def longest_turn_ms(self, app: FastAPI) -> float:
        """The longest time for which the event loop's thread did nothing but answer."""
        answering = asyncio.create_task(self.answer(app))
        longest, last = 0.0, thread_time()
        while not answering.done():
            await asyncio.sleep(0)
            longest, last = max(longest, thread_time() - last), thread_time()
        return 1000 * longest


class Cost(NamedTuple):
    """Processor time of an answer, of the event loop's thread and of all threads, and its size."""

    loop_ms: float
    process_ms: float
    status: int
    answer_bytes: int

    @classmethod
    def of(cls, request: Request, app: FastAPI) -> "Cost":
        """The cost of a request: the least of several times, since others interrupt it."""
        costs = []
        for _ in range(RUNS):
            loop_began, process_began = thread_time(), process_time()
            status, answer = asyncio.run(request.answer(app))
            loop_s, process_s = thread_time() - loop_began, process_time() - process_began
            costs.append(cls(1000 * loop_s, 1000 * process_s, status, len(answer)))
        return min(costs)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """An app with all routes, business rules and stock, whose bundle is large."""
    directory = tmp_path_factory.mktemp("large")
    (directory / "rules.yaml").write_text("".join(rules(1 << 18)))
    items = [f"item-{item}" for item in range(N_ITEMS)]
    stock = pa.table({"store_id": [STORE] * N_ITEMS, "item_id": items})
    parquet.write_table(stock, directory / "stock.parquet")
    write_bundle(directory / "bundles", large_contents())
    settings = Settings(
        bundle=directory / "bundles",
        rules=directory / "rules.yaml",
        availability=directory / "stock.parquet",
        events=directory / "events",
        admin_key=SecretStr(ADMIN_KEY),
        # So that no request is cut short before its fields are.
        body_limit_bytes=MIB,
        events_body_limit_bytes=4 * MIB,
    )
    app = create_app(settings)
    app.state.swap.start()
    return app


@pytest.mark.parametrize("name", [known, unknown])
def test_the_worst_request_of_each_route_is_cheap(shop: FastAPI, name: Name) -> None:
    for path, operations in shop.openapi()["paths"].items():
        for method, operation in operations.items():
            request = Request.of(method, path, operation, name)
            cost = Cost.of(request, shop)
            assert cost.status in (200, 404, 409), request
            if path == BATCH:  # which lets others in between
                turns = [asyncio.run(request.longest_turn_ms(shop)) for _ in range(RUNS)]
                assert min(turns) < LOOP_MS, request
            else:
                assert cost.loop_ms < LOOP_MS, request
            assert cost.answer_bytes < ANSWER_BYTES, request
            if path == "/events":
                size_mib = max(1, len(request.body) / MIB)
                assert cost.process_ms < EVENTS_MS_PER_MIB * size_mib


LARGE: dict[str, Any] = {
    "user_id": "user-0",
    "store_id": STORE,
    "basket": [f"item-{7 * item}" for item in range(200)],
    "exclude_purchased": True,
    "exclude_categories": [f"subcategory {number}" for number in range(300)],
    "k": 100,
    "explain": True,
}


def test_a_batch_of_very_many_large_requests_holds_nobody_up(shop: FastAPI) -> None:
    body = json.dumps({"requests": [LARGE] * 100}).encode()
    assert MIB / 2 < len(body) < MIB
    request = Request("POST", BATCH, "", body)
    assert min(asyncio.run(request.longest_turn_ms(shop)) for _ in range(RUNS)) < LOOP_MS


def test_rules_tried_with_very_many_large_requests_hold_nobody_up(shop: FastAPI) -> None:
    one = RecommendRequest(**{**LARGE, "user_id": "user-1"})  # user-0 is forgotten above
    shop.state.serving.recent.extend([one] * 100)
    body = json.dumps({"rules": rules_text(0, 1 << 18), "recent": True}).encode()
    request = Request("POST", "/rules/test", "", body)
    assert any(asyncio.run(request.longest_turn_ms(shop)) < LOOP_MS for _ in range(RUNS))
    _, answer = asyncio.run(request.answer(shop))
    assert json.loads(answer)["recent"]["known"] == 100
