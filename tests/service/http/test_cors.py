"""CORS: only pages of the origins in the settings may send requests."""

from collections.abc import Callable

import httpx

SHOP = "https://shop.example"


def preflight(client: httpx.Client, origin: str) -> httpx.Response:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    return client.options("/recommend", headers=asked)


def test_no_origin_is_allowed_by_default(client: httpx.Client) -> None:
    assert "access-control-allow-origin" not in preflight(client, SHOP).headers
    response = client.post("/recommend", json={}, headers={"Origin": SHOP})
    assert "access-control-allow-origin" not in response.headers


def test_only_the_origins_of_the_settings_are_allowed(connect: Callable[..., httpx.Client]) -> None:
    client = connect(cors_origins=f"https://other.example, {SHOP}")
    allowed = preflight(client, SHOP)
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == SHOP
    assert allowed.headers["x-request-id"]
    response = client.post("/recommend", json={}, headers={"Origin": SHOP})
    assert response.headers["access-control-allow-origin"] == SHOP
    assert "access-control-allow-origin" not in preflight(client, "https://evil.example").headers
