"""Requests that FastAPI finds invalid get the same problems as those to /recommend."""

from collections.abc import Iterator
from typing import Annotated

import httpx
import pytest
from fastapi import Query
from pydantic import BaseModel, ConfigDict

from service.app import create_app
from service.settings import Settings
from tests.service.conftest import listening

JSON = {"Content-Type": "application/json"}


class Asked(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    items: list[str]


@pytest.fixture(scope="module")
def route() -> Iterator[httpx.Client]:
    """A client of an app with a route of its own that FastAPI validates."""
    app = create_app(Settings())

    @app.post("/asked")
    async def asked(body: Asked, k: Annotated[int, Query(ge=1, le=9)] = 3) -> int:
        return len(body.items) + k

    with listening(app) as client:
        yield client


def test_what_is_valid_is_answered(route: httpx.Client) -> None:
    assert route.post("/asked?k=2", json={"items": ["a"]}).json() == 3


@pytest.mark.parametrize(
    ("k", "body", "status", "field", "expected", "found"),
    [
        ("x", b'{"items": []}', 422, "k", "an integer", '"x"'),
        ("0", b'{"items": []}', 422, "k", "1 or more", '"0"'),
        ("10", b'{"items": []}', 422, "k", "9 or less", '"10"'),
        ("1", b"", 422, "body", "a value", "null"),
        ("1", b"[]", 422, "body", "an object", "an array of 0 item(s)"),
        ("1", b"{", 400, "body", "a JSON object", "Expecting"),
        ("1", b"{}", 422, "items", "a value", "an object"),
        ("1", b'{"items": [1]}', 422, "items[0]", "a string", "1"),
        ("1", b'{"items": [NaN]}', 422, "items[0]", "a string", "NaN"),
        ("1", b'{"items": [], "\\ud800": 1}', 422, "body", "characters", "?"),
    ],
)
def test_the_field_what_was_expected_and_what_was_found(
    route: httpx.Client, k: str, body: bytes, status: int, field: str, expected: str, found: str
) -> None:
    response = route.post(f"/asked?k={k}", content=body, headers=JSON)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    error = response.json()["errors"][0]
    assert error["field"] == field
    assert expected in error["expected"]
    assert found in error["found"]
