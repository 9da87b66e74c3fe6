"""The running service is the same here as in the service's own tests; a ranked shop is measured."""

import json
from pathlib import Path

import pytest

from service.bundle.bundle import write_bundle
from tests.data.ranked_shop import ranked_contents, shop
from tests.service.conftest import bundle_dir, served

__all__ = ["bundle_dir", "served"]


@pytest.fixture(scope="session")
def ranked_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the ranked shop's bundle."""
    return write_bundle(tmp_path_factory.mktemp("ranked"), ranked_contents())


@pytest.fixture(scope="session")
def requests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The held-out baskets of the ranked shop, as bodies of requests."""
    contents = ranked_contents()
    bodies = [
        {
            "user_id": contents.user_ids[each.user],
            "basket": [contents.catalogue.item_ids[item] for item in each.given],
            "k": 20,
        }
        for each in shop().held_out
    ]
    path = tmp_path_factory.mktemp("requests") / "requests.jsonl"
    path.write_text("".join(json.dumps(body) + "\n" for body in bodies))
    return path
