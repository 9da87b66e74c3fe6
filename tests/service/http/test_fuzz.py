"""The running service against its own OpenAPI document."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import settings
from pydantic import SecretStr

from service.app import create_app
from service.settings import Settings
from tests.service.conftest import ADMIN, ADMIN_KEY, Served

DOCUMENT = create_app(Settings()).openapi()
# A body that is too large gets 413, even if it is invalid, too.
REFUSED = ["400", "401", "404", "405", "406", "413", "415", "422"]
CONFIG = schemathesis.Config.from_dict(
    {"checks": {"negative_data_rejection": {"expected-statuses": REFUSED}}}
)
schema = schemathesis.openapi.from_dict(DOCUMENT, config=CONFIG)


def test_the_document_is_the_one_that_is_served(served: Served) -> None:
    assert httpx.get(f"{served.url}/openapi.json").json() == DOCUMENT


@schema.parametrize()
@settings(max_examples=200, deadline=None)
def test_the_service_conforms_to_the_document(case: schemathesis.Case[Any], served: Served) -> None:
    """No 5xx; only documented statuses, types and shapes; valid requests in, invalid ones out."""
    case.call_and_validate(base_url=served.url, headers=ADMIN)


# As JSON and as text of a query; JSON has no limit for numbers.
NUMBERS = ("9" * 19, "9" * 20, "9" * 313, "9" * 5000, "1e400", "1e308", "0.1", "5e-324", "-0.0")


@pytest.fixture(scope="module")
def everything(
    connect: Callable[..., httpx.Client], tmp_path_factory: pytest.TempPathFactory
) -> httpx.Client:
    """A client of an app with all routes."""
    return connect(events=tmp_path_factory.mktemp("events"), admin_key=SecretStr(ADMIN_KEY))


@pytest.mark.parametrize("number", [*NUMBERS, *(f"-{each}" for each in NUMBERS[:6])])
def test_numbers_of_any_size_are_taken_or_refused(everything: httpx.Client, number: str) -> None:
    asked = 0
    for path, operations in everything.get("/openapi.json").json()["paths"].items():
        for method, operation in operations.items():
            for content in bodies(operation, number):
                headers = ADMIN | {"Content-Type": "application/json"}
                response = everything.request(method, path, content=content, headers=headers)
                assert response.status_code in (200, 400, 422), content
                asked += 1
            for each in operation.get("parameters", ()):
                if each["in"] == "query":
                    query = {each["name"]: number}
                    response = everything.request(method, path, params=query, headers=ADMIN)
                    assert response.status_code in (200, 404, 422), query
                    asked += 1
    assert asked > 30


def bodies(operation: dict[str, Any], number: str) -> list[str]:
    """Bodies of an operation, each with a number in another field."""
    content = operation.get("requestBody", {"content": {}})["content"]
    found = []
    for media in content.values():
        for name, field in media["schema"]["properties"].items():
            found += [f'{{"{name}": {number}}}', f'{{"{name}": [{number}]}}']
            inner = field.get("items", {}).get("properties", {})
            found += [f'{{"{name}": [{{"{each}": {number}}}]}}' for each in inner]
    return found
