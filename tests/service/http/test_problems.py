"""Problems of invalid requests: the field, what was expected and what was found."""

import json
from typing import Any

import httpx
import pytest

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("body", "status", "field", "expected", "found"),
    [
        (b"", 400, "body", "a JSON object", "EOF"),
        (b"{", 400, "body", "a JSON object", "EOF"),
        (b"\xff", 400, "body", "a JSON object", "expected value"),
        (b'{"basket": ["\\ud800"]}', 400, "body", "a JSON object", "hex escape"),
        (b"[" * 20_000, 400, "body", "a JSON object", "recursion limit"),
        (b'{"k": ' + b"9" * 10_000 + b"}", 400, "body", "a JSON object", "out of range"),
        (b"[]", 422, "body", "an object", "an array of 0 item(s)"),
        (b"null", 422, "body", "an object", "null"),
        (b'{"user_id": 7}', 422, "user_id", "a string", "7"),
        (b'{"user_id": ""}', 422, "user_id", "at least 1 character(s)", '""'),
        (b'{"basket": "milk"}', 422, "basket", "an array", '"milk"'),
        (b'{"basket": ["milk", null]}', 422, "basket[1]", "a string", "null"),
        (b'{"basket": [{"a": {}}]}', 422, "basket[0]", "a string", "an object"),
        (b'{"basket": ' + b"[" * 99 + b"]" * 99 + b"}", 422, "basket[0]", "a string", "an array"),
        (b'{"k": NaN}', 422, "k", "an integer", "NaN"),
        (b'{"k": 1e400}', 422, "k", "an integer", "Infinity"),
        (b'{"k": 1.5}', 422, "k", "an integer", "1.5"),
        (b'{"k": "20"}', 422, "k", "an integer", '"20"'),
        (b'{"k": true}', 422, "k", "an integer", "true"),
        (b'{"k": 0}', 422, "k", "1 or more", "0"),
        (b'{"k": 101}', 422, "k", "100 or less", "101"),
        (b'{"k": ' + b"9" * 4300 + b"}", 422, "k", "100 or less", "999"),
        (b'{"explain": 1}', 422, "explain", "true or false", "1"),
        (b'{"baskets": []}', 422, "baskets", "no such field", "an array"),
        (
            json.dumps({"basket": ["milk"] * 201}).encode(),
            *(422, "basket", "at most 200 items", "an array of 201 item(s)"),
        ),
        (
            json.dumps({"exclude_items": ["x" * 129]}).encode(),
            *(422, "exclude_items[0]", "at most 128 characters", "a string of 129 characters"),
        ),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_the_field_what_was_expected_and_what_was_found(
    client: httpx.Client, body: bytes, status: int, field: str, expected: str, found: str
) -> None:
    response = client.post("/recommend", content=body, headers=JSON)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert (problem["status"], problem["type"]) == (status, "about:blank")
    assert [problem["errors"][0][key] for key in ("field", "expected")] == [field, expected]
    assert found in problem["errors"][0]["found"]


def test_limits_are_inclusive(client: httpx.Client) -> None:
    request: dict[str, Any] = {"user_id": "é" * 128, "basket": ["milk"] * 200, "k": 100}
    assert client.post("/recommend", json=request).status_code == 200
    assert client.post("/recommend", json={"k": 1}).status_code == 200


def test_an_integer_may_be_spelt_with_a_fraction_of_zero(client: httpx.Client) -> None:
    answer = client.post("/recommend", content=b'{"k": 3.0}', headers=JSON).json()
    assert len(answer["recommendations"]) == 3


def test_many_errors_make_a_short_answer(client: httpx.Client) -> None:
    request = {"basket": [1] * 200, "x" * 10_000: None}
    response = client.post("/recommend", json=request)
    assert "200 more" in response.json()["detail"]
    assert len(response.content) < 2_000
