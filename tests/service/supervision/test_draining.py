"""A process that is told to stop."""

import signal
from collections.abc import Callable

import httpx

from tests.service.conftest import Served


def assert_draining(client: httpx.Client) -> None:
    """It is not ready any more and answers all the same, but closes the connection each time."""
    # Each worker learns of it at another moment, perhaps in the midst of an answer.
    while (ready := client.get("/health/ready")).status_code == 200:
        pass
    assert (ready.status_code, ready.headers["connection"]) == (503, "close")
    while client.get("/health").json()["ready"]:
        pass
    assert last_answer(client, "GET", "/health/live").status_code == 200
    assert last_answer(client, "POST", "/recommend").status_code == 200
    assert last_answer(client, "GET", "/nowhere").status_code == 404


def last_answer(client: httpx.Client, method: str, path: str) -> httpx.Response:
    """The first answer that is the last one on its connection: not all workers know at once."""
    while True:
        answer = client.request(method, path, json={} if method == "POST" else None)
        if answer.headers.get("connection") == "close":
            return answer


def test_it_answers_on_while_readiness_is_off(serve: Callable[..., Served]) -> None:
    served = serve("--drain-s", "60")
    with httpx.Client(base_url=served.url) as client:
        before = client.get("/health/ready")
        assert before.status_code == 200
        assert "connection" not in before.headers
        served.process.send_signal(signal.SIGTERM)
        assert_draining(client)
    served.process.send_signal(signal.SIGTERM)  # at once, then
    assert served.process.wait(timeout=30) == 1


def test_workers_drain_too(serve: Callable[..., Served]) -> None:
    served = serve("--drain-s", "3", "--workers", "2")
    with httpx.Client(base_url=served.url) as client:
        assert client.get("/health/ready").status_code == 200
        served.process.send_signal(signal.SIGTERM)
        assert_draining(client)
    assert served.process.wait(timeout=30) == 0
