"""A first request to try: a real user of the bundle, and a real basket."""

import shlex
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

if TYPE_CHECKING:
    from service.bundle.bundle import Bundle

_ITEMS = 3


def example_request(bundle: "Bundle") -> dict[str, Any]:
    """Return a request body: the first user who bought three items, and their most bought three.

    Where no user did, it is a stranger with the three most popular items.
    """
    return example_requests(bundle, 1)[0]


def example_requests(bundle: "Bundle", count: int) -> list[dict[str, Any]]:
    """Return such bodies for the first `count` users who bought three items, or for a stranger."""
    bought = np.diff(bundle.history_indptr) >= _ITEMS
    if not bought.any():
        return [{"user_id": None, "basket": bundle.catalogue.item_ids[:_ITEMS]}][:count]
    return [_example(bundle, int(user)) for user in np.flatnonzero(bought)[: max(count, 0)]]


def _example(bundle: "Bundle", user: int) -> dict[str, Any]:
    start, stop = bundle.history_indptr[user : user + 2]
    most = np.argsort(-bundle.history_count[start:stop], kind="stable")[:_ITEMS]
    items = bundle.history_item[start:stop][most]
    basket = [bundle.catalogue.item_ids[item] for item in items]
    return {"user_id": bundle.user_ids[user], "basket": basket}


def curl_command(url: str, request: dict[str, Any]) -> str:
    """Return the shell command that posts `request` to the service at `url`."""
    body = orjson.dumps(request).decode()
    words = ["curl", "-s", f"{url}/recommend", "-H", "Content-Type: application/json", "-d", body]
    return shlex.join(words)
