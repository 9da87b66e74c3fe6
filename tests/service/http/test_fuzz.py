"""The running service against its own OpenAPI document."""

from typing import Any

import httpx
import schemathesis
from hypothesis import settings

from service.app import create_app
from service.settings import Settings
from tests.service.conftest import ADMIN, Served

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
