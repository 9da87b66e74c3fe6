"""First requests to try: real users of a bundle, each with a real basket."""

import shlex
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from service.profiles.profile import Since, all_count
from service.recommending.request import RecommendRequest

if TYPE_CHECKING:
    from service.bundle.bundle import Bundle

_ITEMS = 3
_PIECE = 1 << 16  # users looked at together


def example_requests(
    bundle: "Bundle", count: int, since: Since = all_count
) -> list[RecommendRequest]:
    """Return requests of the first `count` users who bought three items, with their most bought.

    Users who were forgotten are passed over (see `Since`). Where no user is left, it is one request
    of a stranger with the three most popular items.
    """
    known = (user for user in _buyers(bundle) if since(bundle.user_ids[user]) is None)
    best_sellers = RecommendRequest(user_id=None, basket=bundle.catalogue.item_ids[:_ITEMS])
    examples = [_example(bundle, user) for user in islice(known, max(count, 0))]
    return examples or [best_sellers][:count]


def _buyers(bundle: "Bundle") -> Iterator[int]:
    """Yield the users who bought three items or more."""
    for start in range(0, len(bundle.user_ids), _PIECE):
        bought = np.diff(bundle.history_indptr[start : start + _PIECE + 1])
        yield from (start + np.flatnonzero(bought >= _ITEMS)).tolist()


def _example(bundle: "Bundle", user: int) -> RecommendRequest:
    start, stop = bundle.history_indptr[user : user + 2]
    most = np.argsort(-bundle.history_count[start:stop], kind="stable")[:_ITEMS]
    items = bundle.history_item[start:stop][most]
    basket = [bundle.catalogue.item_ids[item] for item in items]
    return RecommendRequest(user_id=bundle.user_ids[user], basket=basket)


def curl_command(url: str, request: RecommendRequest) -> str:
    """Return the shell command that posts `request` to the service at `url`."""
    body = request.model_dump_json(exclude_unset=True)
    words = ["curl", "-s", f"{url}/recommend", "-H", "Content-Type: application/json", "-d", body]
    return shlex.join(words)
