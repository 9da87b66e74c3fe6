"""Request bodies: their content type and their limit."""

import socket
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.service.conftest import Served

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("declared", ["text/plain", "application/jsonx", "application/x-json"])
def test_another_content_type(client: httpx.Client, declared: str) -> None:
    response = client.post("/recommend", content=b"{}", headers={"Content-Type": declared})
    assert response.status_code == 415
    wanted = {"field": "Content-Type", "expected": "application/json", "found": declared}
    assert response.json()["errors"] == [wanted]


def test_no_content_type(client: httpx.Client) -> None:
    response = client.post("/recommend", content=b"{}")
    assert response.status_code == 415
    assert response.json()["errors"][0]["found"] == "nothing"


@pytest.mark.parametrize("declared", ["application/json; charset=utf-8", "Application/JSON ;x"])
def test_the_content_type_may_have_parameters(client: httpx.Client, declared: str) -> None:
    response = client.post("/recommend", content=b"{}", headers={"Content-Type": declared})
    assert response.status_code == 200


@pytest.fixture(scope="session")
def small(connect: Callable[..., httpx.Client]) -> httpx.Client:
    """A client of an app that takes bodies of 100 bytes."""
    return connect(body_limit_bytes=100)


def chunks(size: int) -> Iterator[bytes]:
    """A JSON object of `size` bytes, which httpx sends in chunks and without its length."""
    yield b"{"
    yield from [b" "] * (size - 2)
    yield b"}"


def test_a_declared_body_over_the_limit(small: httpx.Client) -> None:
    assert small.post("/recommend", content=b" " * 98 + b"{}", headers=JSON).status_code == 200
    response = small.post("/recommend", content=b" " * 99 + b"{}", headers=JSON)
    assert response.status_code == 413
    wrong = {"field": "body", "expected": "at most 100 bytes", "found": "101 bytes"}
    assert response.json()["errors"] == [wrong]


def test_a_chunked_body_over_the_limit(small: httpx.Client) -> None:
    assert small.post("/recommend", content=chunks(100), headers=JSON).status_code == 200
    response = small.post("/recommend", content=chunks(101), headers=JSON)
    assert response.status_code == 413
    assert response.json()["errors"][0]["expected"] == "at most 100 bytes"


HEAD = (
    b"POST /recommend HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    b"Content-Type: application/json\r\n"
)


@pytest.mark.parametrize(
    ("rest", "status"),
    [
        pytest.param(b"Content-Length: 2\r\n\r\n{}{}{}{}{}", b"200", id="says less than it sends"),
        pytest.param(b"Content-Length: 70000\r\n\r\n{}", b"413", id="says more than is allowed"),
        pytest.param(b"Content-Length: -1\r\n\r\n{}", b"400", id="says nonsense"),
        pytest.param(
            b"Transfer-Encoding: chunked\r\n\r\nffff\r\n" + b" " * 0xFFFF + b"\r\n2\r\n{}\r\n",
            b"413",
            id="never says it ends",
        ),
    ],
)
def test_a_body_that_lies_about_its_length(served: Served, rest: bytes, status: bytes) -> None:
    with socket.create_connection(served.address, timeout=10) as connection:
        connection.sendall(HEAD + rest)
        assert connection.recv(4096).split()[1] == status


def test_a_client_that_disconnects_early_causes_no_traceback(served: Served) -> None:
    with socket.create_connection(served.address, timeout=10) as connection:
        connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
    with socket.create_connection(served.address, timeout=10) as connection:
        connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")
        assert connection.recv(4096).split()[1] == b"200"
    assert "traceback" not in served.log.read_text()


def test_a_body_of_very_many_arrays_or_objects(client: httpx.Client) -> None:
    for brackets in (b"[]", b"{}"):
        body = b'{"k": [%b]}' % b",".join([brackets] * 20_001)
        response = client.post("/recommend", content=body, headers=JSON)
        assert response.status_code == 422
        assert response.json()["errors"][0]["expected"] == "at most 20000 arrays and objects"


def test_very_many_invalid_fields_are_summed_up(client: httpx.Client) -> None:
    many = client.post("/recommend", json={f"{n}": 1 for n in range(1000)}).json()["detail"]
    assert many == "0: expected no such field, found 1 (and 999 more)."
    more = client.post("/recommend", json={f"{n}": 1 for n in range(1001)}).json()["detail"]
    assert more == "body: expected at most 1000 invalid fields, found 1001."
