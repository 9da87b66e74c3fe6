"""What may go out: on no route does an item leave that a rule excludes, or that is not in stock.

The requests are made from the OpenAPI document, so that a new route is part of them.
"""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pyarrow as pa
import pytest
from pyarrow import parquet
from pydantic import SecretStr

from tests.data.tiny_bundle import N_ITEMS
from tests.service.conftest import ADMIN, ADMIN_KEY

EXCLUDED = "item-3"  # the best substitute of item-1
SOLD_OUT = "item-7"  # the second best, in a store that has all other items
GIVEN = "item-1"

FIELDS: dict[str, Any] = {
    "item_id": GIVEN,
    "user_id": "user-3",  # who bought both of them
    "basket": [GIVEN],
    "items": [GIVEN],
    "k": N_ITEMS,
    "explain": True,
    "query": "thing",
    "department": "SHOP",
    "category": "garden",
    "offset": 0,
    "limit": N_ITEMS,
}
NO_RULES = "rules: []"
RULES = f"rules:\n- {{name: not that one, action: exclude, item: {EXCLUDED}}}\n"
NO_ITEMS = {
    *("/score", "/events", "/items/{item_id}", "/categories"),
    *("/users", "/users/{user_id}"),
}
"""Routes that name no items but those that they are asked about."""


@pytest.fixture(scope="module")
def ask(
    connect: Callable[..., httpx.Client], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., httpx.Client]:
    """Gives clients of apps with every route and with the stock of two stores."""
    directory = tmp_path_factory.mktemp("shop")
    rows = [("north", f"item-{item}") for item in range(N_ITEMS) if f"item-{item}" != SOLD_OUT]
    stores, items = zip(*rows, ("empty", "of another shop"), strict=True)
    table = pa.table({"store_id": list(stores), "item_id": list(items)})
    parquet.write_table(table, directory / "stock.parquet")

    def ask(rules: str) -> httpx.Client:
        file = tmp_path_factory.mktemp("rules") / "rules.yaml"  # of this app alone: it looks again
        file.write_text(rules)
        return connect(
            rules=file,
            availability=directory / "stock.parquet",
            events=directory / "events",
            admin_key=SecretStr(ADMIN_KEY),
        )

    return ask


@pytest.fixture(scope="module")
def ruled(ask: Callable[..., httpx.Client]) -> httpx.Client:
    """A client of an app whose rules exclude an item."""
    return ask(RULES)


@pytest.fixture(scope="module")
def free(ask: Callable[..., httpx.Client]) -> httpx.Client:
    """A client of an app whose rules exclude nothing."""
    return ask(NO_RULES)


def answers(
    client: httpx.Client, store_id: str | None = None, rules: str = NO_RULES
) -> Iterator[tuple[str, Any]]:
    """Each route that gives items, and its answer to a request for as many as possible.

    `rules` are those in force, which are tried as well.
    """
    for path, operations in client.get("/openapi.json").json()["paths"].items():
        for method, operation in operations.items():
            if path.startswith(("/health", "/metrics", "/admin")) or path in NO_ITEMS:
                continue
            fields = FIELDS | {"store_id": store_id, "rules": rules}
            query = {
                each["name"]: fields[each["name"]]
                for each in operation.get("parameters", ())
                if each["in"] == "query" and fields[each["name"]] is not None
            }
            content = operation.get("requestBody", {"content": {}})["content"]
            body = filled(content["application/json"]["schema"], fields) if content else None
            target = path.format_map(fields)
            response = client.request(method, target, params=query, json=body, headers=ADMIN)
            assert response.status_code == 200, (path, response.text)
            yield path, response.json()


def filled(schema: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    """A body with those of the fields that its schema has; a list of bodies has one."""
    bodies = {
        name: [filled(each["items"], fields)]
        for name, each in schema["properties"].items()
        if "properties" in each.get("items", {})
    }
    return {name: fields[name] for name in schema["properties"] if name in fields} | bodies


def items_of(answer: Any) -> set[str]:
    """Every text of an answer that is an item, but for the one it was asked about."""
    match answer:
        case dict():
            found = set().union(*map(items_of, answer.values()))
        case list():
            found = set().union(*map(items_of, answer))
        case _:
            found = {answer} if str(answer).startswith("item-") else set()
    return found - {GIVEN}


def test_without_an_exclusion_every_route_gives_both(free: httpx.Client) -> None:
    found = dict(answers(free))
    assert len(found) >= 5
    for path, answer in found.items():
        assert items_of(answer) >= {EXCLUDED, SOLD_OUT}, path


def test_an_excluded_item_leaves_on_no_route(ruled: httpx.Client) -> None:
    for path, answer in answers(ruled, rules=RULES):
        assert EXCLUDED not in items_of(answer), path
        assert SOLD_OUT in items_of(answer), path


def test_an_item_out_of_stock_leaves_on_no_route(free: httpx.Client) -> None:
    for path, answer in answers(free, "north"):
        assert SOLD_OUT not in items_of(answer), path
        assert EXCLUDED in items_of(answer), path


def test_from_an_empty_shelf_nothing_leaves(free: httpx.Client) -> None:
    for path, answer in answers(free, "empty"):
        assert not items_of(answer), path


def test_unknown_query_parameters_are_refused_on_every_route(ruled: httpx.Client) -> None:
    for path, operations in ruled.get("/openapi.json").json()["paths"].items():
        for method, operation in operations.items():
            known = [p["name"] for p in operation.get("parameters", ()) if p["in"] == "query"]
            for name in ("stor_id", "explain", "K", ""):
                response = ruled.request(
                    method, path.format_map(FIELDS), params={name: "1"}, headers=ADMIN
                )
                assert response.status_code == 422, (path, name)
                (wrong,) = response.json()["errors"]
                assert wrong["field"] == "query", (path, wrong)
                assert all(each in wrong["expected"] for each in known), (path, wrong, known)
                assert wrong["found"] == name


def test_a_parameter_that_comes_twice_is_refused(ruled: httpx.Client) -> None:
    response = ruled.get(f"/items/{GIVEN}/related?k=2&k=3")
    assert response.status_code == 422
    assert response.json()["errors"] == [{"field": "k", "expected": "one value", "found": "2"}]
