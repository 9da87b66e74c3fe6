"""`POST /admin/reload` and `/admin/rollback`, and swaps in /health and /metrics."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from service.app import create_app
from service.settings import Settings
from tests.data.daily_bundles import publish, publish_damaged
from tests.service.conftest import ADMIN, ADMIN_KEY, listening


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of a new app with the bundle of day 1."""
    publish(tmp_path, 1)
    app = create_app(Settings(bundle=tmp_path, admin_key=SecretStr(ADMIN_KEY)))
    app.state.swap.start()
    with listening(app) as client:
        yield client


def bundle_id(client: httpx.Client) -> str:
    """The bundle that a recommendation comes from."""
    return str(client.post("/recommend", json={"user_id": "user-0"}).json()["bundle_id"])


def test_reload_and_rollback_swap_bundles(client: httpx.Client, tmp_path: Path) -> None:
    old = bundle_id(client)
    new = publish(tmp_path, 2)
    moved = client.post("/admin/reload", headers=ADMIN)
    assert moved.json() == {"bundle_id": new, "previous_bundle_id": old}
    assert bundle_id(client) == new
    moved = client.post("/admin/rollback", headers=ADMIN)
    assert moved.json() == {"bundle_id": old, "previous_bundle_id": new}
    assert bundle_id(client) == old
    health = client.get("/health").json()
    assert (health["bundle_id"], health["previous_bundle_id"]) == (old, new)


def test_a_refused_bundle_is_reported_everywhere(client: httpx.Client, tmp_path: Path) -> None:
    good = bundle_id(client)
    publish_damaged(tmp_path)
    refused = client.post("/admin/reload", headers=ADMIN)
    assert refused.status_code == 409
    assert "item_vectors.npy" in refused.json()["detail"]
    seen = client.get("/health", headers=ADMIN).json()["bundle_refused"]
    assert seen == refused.json()["detail"]
    assert client.get("/health/ready").status_code == 200
    assert bundle_id(client) == good
    assert 'rtt2vec_bundle_swaps_total{result="refused"} 1.0' in client.get("/metrics").text


def test_the_history_of_swaps_tells_what_answered_and_what_was_refused(
    client: httpx.Client, tmp_path: Path
) -> None:
    old = bundle_id(client)
    new = publish(tmp_path, 2)
    client.post("/admin/reload", headers=ADMIN)
    publish_damaged(tmp_path)
    for _ in range(2):  # what is refused again is told once
        client.post("/admin/reload", headers=ADMIN)
    client.post("/admin/rollback", headers=ADMIN)
    swaps = client.get("/admin/swaps", headers=ADMIN).json()["swaps"]
    assert [each["bundle_id"] for each in swaps] == [old, None, new, old]
    assert "item_vectors.npy" in swaps[1]["refused"]
    assert [each["refused"] for each in swaps[::2]] == [None, None]
    moments = [each["at"] for each in swaps]
    assert moments == sorted(moments, reverse=True)


def test_metrics_show_which_bundle_is_in_use(client: httpx.Client, tmp_path: Path) -> None:
    old = bundle_id(client)
    new = publish(tmp_path, 2)
    client.post("/admin/reload", headers=ADMIN)
    lines = client.get("/metrics").text
    for name, value in ((old, 0.0), (new, 1.0)):
        labels = f'backend="exact",bundle_id="{name}",format="1"'
        assert f"rtt2vec_bundle_info{{{labels}}} {value}" in lines
    assert 'rtt2vec_bundle_swaps_total{result="ok"} 1.0' in lines


@pytest.mark.parametrize("route", ["reload", "rollback"])
def test_only_the_admin_may_swap_bundles(client: httpx.Client, route: str) -> None:
    assert client.post(f"/admin/{route}").status_code == 401
