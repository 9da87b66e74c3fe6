"""Which requests the protocol sheds when none may wait, and which it leaves to the parser."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from time import monotonic

import pytest

from service.http.keys.access import Verdict
from service.http.protocol.limited import HEAD_LIMIT_BYTES
from tests.service.http.protocol.conftest import Answer, Server, answer, serving

KEEP_ALIVE_S = 1
BODY_LIMIT = 1000
LINE = b"POST /recommend HTTP/1.1\r\nHost: x\r\n"
PLAIN = LINE + b"Content-Length: 2\r\n\r\n{}"
KEY = b"Authorization: Bearer the key\r\n"


@pytest.fixture(scope="module")
def full() -> Iterator[Server]:
    """A server whose queue has no room."""
    with serving(
        queue_limit=0,
        body_limit_bytes=BODY_LIMIT,
        keep_alive_s=KEEP_ALIVE_S,
        transfer_timeout_s=KEEP_ALIVE_S,
    ) as server:
        yield server


def ask(full: Server, *pieces: bytes) -> Answer:
    """Return the answer to a request that is sent on a new connection."""
    with closing(full.connect()) as connection:
        for piece in pieces:
            connection.sendall(piece)
        return answer(connection)


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 2\r\n",
        b"content-length:2 \r\n",
        b"Connection: keep-alive\r\nContent-Length: 2\r\nAccept: */*\r\n",
        b"Upgrade-Insecure-Requests: 1\r\nX-Original-URI: /\r\nContent-Length: 0000002\r\n",
    ],
)
def test_a_plain_request_is_shed(full: Server, headers: bytes) -> None:
    before = len(full.shed)
    assert ask(full, LINE + headers + b"\r\n{}").status == 503
    assert len(full.shed) == before + 1


@pytest.mark.parametrize(
    "headers",
    [
        b"",
        b"Content-Length: 2\r\nContent-Length: 2\r\n",
        b"Content-Length: 2\r\nContent-Length : 2\r\n",
        b"Content-Length: 2\r\n 2\r\n",
        b"Content-Length: +2\r\n",
        b"Content-Length: 2, 2\r\n",
        b"Content-Length: " + b"9" * 5000 + b"\r\n",
        b"Content-Length: 00000002\r\n",
        b"Content-Length: %d\r\n" % (BODY_LIMIT + 1),
        b"Transfer-Encoding: 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
        b"Content-Length: 2\r\nTransfer-Encoding : chunked\r\n",
        b"Content-Length: 2\r\nExpect: 100-continue\r\n",
        b"Content-Length: 2\r\nConnection: close\r\n",
        b"Content-Length: 2\r\nConnection: upgrade\r\nUpgrade: h2c\r\n",
        b"Content-Length: 2\r\nUpgrade: h2c\r\n",
        b"Content-Length: 2\r\nOrigin: https://shop.example\r\n",
        b"Content-Length: 2\r\nX-Any: a\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 2\r\nX-Any: a\rTransfer-Encoding: chunked\r\n",
        b"Content-Length: 2\nX-Any: a\r\n",
        b"Content-Length: 2\r\nX\0-Any: a\r\n",
        b"Content-Length: 2\r\nno field\r\n",
        b"Content-Length: 2\r\nX-Long: " + b"x" * HEAD_LIMIT_BYTES + b"\r\n",
    ],
)
def test_anything_else_is_left_to_the_parser(full: Server, headers: bytes) -> None:
    before = len(full.shed)
    with closing(full.connect()) as connection:
        connection.sendall(LINE + headers + b"\r\n" + b"0\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while piece := connection.recv(65536):
            received += piece
    assert not received.startswith(b"HTTP/1.1 503")
    assert len(full.shed) == before


def test_the_rest_of_a_head_is_not_taken_for_a_new_request(full: Server) -> None:
    smuggled = b"POST /recommend HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
    with closing(full.connect()) as connection:
        # All of one request and the beginning of another one's head, in one piece.
        connection.sendall(b"GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\nX-Any: ")
        assert answer(connection).body == b"/a 0"
        connection.sendall(smuggled)  # the rest of that head
        assert answer(connection).body == b"/b 0"
        connection.sendall(PLAIN)
        assert answer(connection).status == 503


def test_requests_in_one_piece_are_answered_in_their_order(full: Server) -> None:
    with closing(full.connect()) as connection:
        connection.sendall(PLAIN + b"GET /b HTTP/1.1\r\n\r\n")
        received = b""
        while b"/b 0" not in received:
            received += connection.recv(65536)
    assert received.index(b"/recommend 2") < received.index(b"/b 0")


def test_a_body_that_comes_later_is_skipped(full: Server) -> None:
    with closing(full.connect()) as connection:
        connection.sendall(LINE + b"Content-Length: 4\r\n\r\n")
        assert answer(connection).status == 503
        connection.sendall(b"{")
        connection.sendall(b"  }GET /b HTTP/1.1\r\n\r\n")
        assert answer(connection).body == b"/b 0"


def test_answers_do_not_pile_up_for_a_client_that_does_not_read(full: Server) -> None:
    with closing(socket.socket()) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(full.address)
        full.asked.clear()
        for _ in range(10_000):
            before = len(full.shed)
            connection.sendall(PLAIN)
            while len(full.shed) == before:
                if full.asked:
                    return  # the app got this one, and its answer waits until the others are read
    pytest.fail("all of them were shed")


def test_the_answer_has_an_id_of_its_own(full: Server) -> None:
    answers = [ask(full, PLAIN) for _ in range(2)]
    for each in answers:
        assert each.headers["content-type"] == "application/problem+json"
        assert each.headers["retry-after"] == "1"
        assert each.headers["x-request-id"] == json.loads(each.body)["request_id"]
        assert len(each.headers["x-request-id"]) == 32
    assert answers[0].headers["x-request-id"] != answers[1].headers["x-request-id"]


@pytest.mark.parametrize(("sent", "taken"), [(b"cart:42", True), (b"a b", False), (b"", False)])
def test_the_id_is_the_callers_if_it_is_a_safe_one(full: Server, sent: bytes, taken: bool) -> None:
    got = ask(full, LINE + b"X-Request-ID: %b\r\nContent-Length: 2\r\n\r\n{}" % sent)
    assert got.status == 503
    assert got.headers["x-request-id"] == json.loads(got.body)["request_id"]
    assert (got.headers["x-request-id"] == sent.decode()) is taken


@pytest.mark.parametrize("first", [PLAIN, b"GET /a HTTP/1.1\r\n\r\n"])
def test_a_connection_is_kept_while_it_is_used_and_no_longer(full: Server, first: bytes) -> None:
    with closing(full.connect()) as connection:
        connection.sendall(first)
        answer(connection)
        end = monotonic() + 1.5 * KEEP_ALIVE_S
        while monotonic() < end:
            connection.sendall(PLAIN)
            assert answer(connection).status == 503
        assert connection.recv(1) == b""  # it is closed, after a while


def test_a_body_that_never_comes_is_not_waited_for_either(full: Server) -> None:
    with closing(full.connect()) as connection:
        connection.sendall(LINE + b"Content-Length: 4\r\n\r\n{")
        assert answer(connection).status == 503
        assert connection.recv(1) == b""


@pytest.fixture(scope="module")
def closed() -> Iterator[Server]:
    """A server without room whose guard lets one key pass, and refuses one other."""
    verdicts: dict[bytes, Verdict] = {b"Bearer the key": "passes", b"Bearer it": "refused"}
    with serving(queue_limit=0, forecast=lambda sent: verdicts.get(sent, "unknown")) as server:
        yield server


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (KEY, 503),
        (b"authorization:Bearer the key\r\n", 503),
        (b"X-Authorization: Bearer the key\r\n", 200),
        (b"Authorization: Bearer it\r\n" + KEY, 200),
        (b"Authorization: Bearer it\r\n", 200),
        (b"Authorization: Bearer\r\n", 200),
        (b"", 200),
    ],
)
def test_what_will_not_pass_the_guard_is_left_to_the_app(
    closed: Server, header: bytes, status: int
) -> None:
    assert ask(closed, PLAIN.replace(b"Host: x\r\n", header)).status == status


def test_a_flood_of_requests_without_a_key_is_refused_early(closed: Server) -> None:
    closed.shed.clear()
    with ExitStack() as opened:
        flood = [opened.enter_context(closing(closed.connect())) for _ in range(20)]
        for connection in flood:
            connection.sendall(b"GET /a HTTP/1.1\r\n\r\n")
            assert answer(connection).status == 200
        waiting = opened.enter_context(closing(closed.connect()))
        waiting.sendall(b"GET /block HTTP/1.1\r\n\r\n")
        closed.arrived.wait()
        for connection in flood:
            connection.sendall(LINE + b"X-Request-ID: a\r\nContent-Length: 2\r\n\r\n{}")
        closed.released.set()
        answers = [answer(connection) for connection in flood]
        for connection in flood:  # it is read on, after a pause
            connection.sendall(b"GET /a HTTP/1.1\r\n\r\n")
            assert answer(connection).status == 200
    refused = [each for each in answers if each.status == 401]
    assert len(refused) == len(closed.shed) == 16
    assert {each.headers["www-authenticate"] for each in refused} == {"Bearer"}
    assert {json.loads(each.body)["request_id"] for each in refused} == {"a"}


def test_a_key_in_the_body_is_none(closed: Server) -> None:
    body = b"\r\nAuthorization: Bearer the key\r\n"
    assert ask(closed, LINE + b"Content-Length: %d\r\n\r\n" % len(body) + body).status == 200


def test_a_head_in_two_reads_is_left_to_the_app(closed: Server) -> None:
    with closing(closed.connect()) as connection:
        connection.sendall(LINE + KEY)
        ask(closed, b"GET /a HTTP/1.1\r\n\r\n")  # once it is answered, all before it is read
        connection.sendall(b"Content-Length: 2\r\n\r\n{}")
        assert answer(connection).status == 200
