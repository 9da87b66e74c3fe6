"""Request bodies: their content type and their limit."""

import socket
from collections.abc import Callable, Iterator
from gzip import compress

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


@pytest.mark.parametrize("charset", ["iso-8859-1", '"UTF-16"', "windows-1252"])
def test_another_charset(client: httpx.Client, charset: str) -> None:
    declared = {"Content-Type": f"application/json; Charset={charset}"}
    response = client.post("/recommend", content=b"{}", headers=declared)
    assert response.status_code == 415
    assert response.json()["errors"][0]["expected"] == "JSON in UTF-8"


@pytest.mark.parametrize("path", ["/recommend", "/related", "/score"])
def test_a_byte_order_mark_is_no_part_of_the_json(client: httpx.Client, path: str) -> None:
    body = {"/recommend": b"{}", "/related": b'{"items": []}', "/score": b'{"basket": ["x"]}'}[path]
    plain = client.post(path, content=body, headers=JSON)
    marked = client.post(path, content=b"\xef\xbb\xbf" + body, headers=JSON)
    assert marked.status_code == plain.status_code in (200, 404)
    twice = client.post(path, content=2 * b"\xef\xbb\xbf" + body, headers=JSON)
    assert twice.status_code == 400


PACKED = JSON | {"Content-Encoding": "gzip"}


@pytest.mark.parametrize("coding", ["gzip", "GZip", "x-gzip"])
def test_a_body_may_be_packed(client: httpx.Client, coding: str) -> None:
    body = b'{"basket": ["item-1"], "k": 3}'
    plain = client.post("/recommend", content=body, headers=JSON).json()["recommendations"]
    for packed in (compress(body), compress(body[:9]) + compress(body[9:])):
        headers = JSON | {"Content-Encoding": coding}
        response = client.post("/recommend", content=packed, headers=headers)
        assert response.json()["recommendations"] == plain


# Named, since the content has the time in it, and all processes must know a test by one name.
@pytest.mark.parametrize(
    "content",
    [b"{}", compress(b"{}")[:-9], compress(b"{}") + b"more", compress(b"{}")[:-8] + b"\0" * 8],
    ids=["plain", "cut off", "continued", "another checksum"],
)
def test_a_body_that_is_not_packed_as_it_says(client: httpx.Client, content: bytes) -> None:
    response = client.post("/recommend", content=content, headers=PACKED)
    assert response.status_code == 400
    assert response.json()["detail"] == "The body is not gzip."


def test_a_body_may_not_unpack_to_more_than_the_limit(small: httpx.Client) -> None:
    most = compress(b" " * 98 + b"{}")
    assert small.post("/recommend", content=most, headers=PACKED).status_code == 200
    bomb = compress(b" " * (1 << 14) + b"{}")
    assert len(bomb) < 100
    for content in (compress(b" " * 99 + b"{}"), bomb, 2 * compress(b" " * 60)):
        response = small.post("/recommend", content=content, headers=PACKED)
        assert response.status_code == 413
        assert response.json()["errors"][0]["found"] == "more, unpacked"


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, gzip", "zstd"])
def test_another_coding_is_refused_with_those_that_are_known(
    client: httpx.Client, coding: str
) -> None:
    headers = JSON | {"Content-Encoding": coding}
    response = client.post("/recommend", content=b"{}", headers=headers)
    assert response.status_code == 415
    assert response.headers["accept-encoding"] == "gzip"
    assert response.json()["errors"][0]["field"] == "Content-Encoding"


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

ZEROS = b"0" * 5000  # Python refuses to read a number of so many digits


@pytest.mark.parametrize(
    ("rest", "status"),
    [
        pytest.param(b"Content-Length: 2\r\n\r\n{}{}{}{}{}", b"200", id="says less than it sends"),
        pytest.param(b"Content-Length: 70000\r\n\r\n{}", b"413", id="says more than is allowed"),
        pytest.param(b"Content-Length: -1\r\n\r\n{}", b"400", id="says nonsense"),
        pytest.param(b"Content-Length: %b2\r\n\r\n{}" % ZEROS, b"200", id="says it at length"),
        pytest.param(
            b"Content-Length: %b70000\r\n\r\n{}" % ZEROS, b"413", id="says too much at length"
        ),
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
