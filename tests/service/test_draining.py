"""A process that is told to stop."""

import signal
from collections.abc import Callable

import httpx

from tests.service.conftest import Served


def assert_draining(client: httpx.Client) -> None:
    """It is not ready any more, and answers all the same."""
    while client.get("/health/ready").status_code != 503:
        pass
    assert client.get("/health").json()["ready"] is False
    assert client.get("/health/live").status_code == 200
    assert client.post("/recommend", json={}).status_code == 200


def test_it_answers_on_while_readiness_is_off(serve: Callable[..., Served]) -> None:
    served = serve("--drain-s", "3600")
    with httpx.Client(base_url=served.url) as client:
        assert client.get("/health/ready").status_code == 200
        served.process.send_signal(signal.SIGTERM)
        assert_draining(client)
    served.process.send_signal(signal.SIGTERM)  # at once, then
    assert served.process.wait(timeout=30) == 0


def test_workers_drain_too(serve: Callable[..., Served]) -> None:
    served = serve("--drain-s", "3", "--workers", "2")
    with httpx.Client(base_url=served.url) as client:
        assert client.get("/health/ready").status_code == 200
        served.process.send_signal(signal.SIGTERM)
        assert_draining(client)
    assert served.process.wait(timeout=30) == 0
