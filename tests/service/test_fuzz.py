"""The running service against its own OpenAPI document."""

from typing import Any

import httpx
import schemathesis
from hypothesis import settings

from service.app import create_app
from service.settings import Settings
from tests.service.conftest import Served

DOCUMENT = create_app(Settings()).openapi()
schema = schemathesis.openapi.from_dict(DOCUMENT)


def test_the_document_is_the_one_that_is_served(served: Served) -> None:
    assert httpx.get(f"{served.url}/openapi.json").json() == DOCUMENT


@schema.parametrize()
@settings(max_examples=200, deadline=None)
def test_the_service_keeps_its_word(case: schemathesis.Case[Any], served: Served) -> None:
    """No 5xx; only documented statuses, types and shapes; valid requests in, invalid ones out."""
    case.call_and_validate(base_url=served.url)
