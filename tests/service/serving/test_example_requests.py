"""The first request that a newcomer is shown."""

import shlex
from pathlib import Path

import numpy as np

from service.bundle.bundle import load_bundle, preview_bundle
from service.recommending.request import RecommendRequest
from service.serving.example_requests import curl_command, example_requests
from tests.data.requests import a_request
from tests.data.tiny_bundle import tiny_contents


def test_it_is_the_first_user_with_the_most_bought_items(bundle_dir: Path) -> None:
    # In the tiny bundle user 0 bought the bakery's j-th item in 1 + j baskets, six of them.
    expected = a_request("user-0", ["item-10", "item-8", "item-6"])
    assert example_requests(load_bundle(bundle_dir), 1) == [expected]


def test_without_such_a_user_it_is_a_stranger() -> None:
    contents = tiny_contents()
    nothing = {
        name: getattr(contents, name)[:0]
        for name in ("history_item", "history_count", "history_recency", "history_last")
    }
    indptr = np.zeros(len(contents.user_ids) + 1, np.int64)
    bundle = preview_bundle(tiny_contents(history_indptr=indptr, **nothing))
    assert example_requests(bundle, 5) == [a_request(None, ["item-0", "item-1", "item-2"])]


def test_users_who_were_forgotten_are_passed_over() -> None:
    bundle = preview_bundle(tiny_contents())
    since = {"user-0": 0, "user-2": 0}.get
    found = [each.user_id for each in example_requests(bundle, 3, since)]
    assert found == ["user-1", "user-3", "user-4"]
    everyone = dict.fromkeys(bundle.user_ids, 0)
    assert [each.user_id for each in example_requests(bundle, 3, everyone.get)] == [None]


def test_the_command_survives_the_shell() -> None:
    nasty = 'it\'s "$HOME" `id` \\ \n é'
    words = shlex.split(curl_command("http://x", RecommendRequest(user_id=nasty)))
    assert words[-1] == '{"user_id":"it\'s \\"$HOME\\" `id` \\\\ \\n é"}'
