"""The queue of a process, and what is said to those who cannot wait in it."""

import asyncio
import json
import signal
import socket
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from http.client import HTTPResponse
from pathlib import Path

import httpx
import pytest

from service.app import create_app
from service.http.admission import Queue
from service.http.problems import ProblemError
from service.http.readiness import require_served
from service.settings import Settings
from tests.service.conftest import Served

HEAD = b"POST /recommend HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
LENGTH = b"Content-Length: 2\r\n\r\n"


async def outcomes(queue: Queue, callers: int) -> list[object]:
    """What comes of callers who all ask for their turn at once: their place, or the problem."""
    places = iter(range(callers))

    async def ask() -> int:
        await queue.turn()
        return next(places)

    return await asyncio.gather(*(ask() for _ in range(callers)), return_exceptions=True)


def test_turns_are_taken_in_order() -> None:
    queue = Queue(9, lambda: None)
    assert asyncio.run(outcomes(queue, 10)) == list(range(10))


def test_whoever_finds_the_queue_full_is_told_at_once() -> None:
    shed: list[None] = []
    found = asyncio.run(outcomes(Queue(2, lambda: shed.append(None)), 5))
    assert found[:3] == [0, 1, 2]  # one takes the turn, two wait
    problems = [each for each in found if isinstance(each, ProblemError)]
    assert [problem.status for problem in problems] == [503, 503]
    assert all(problem.headers == {"Retry-After": "1"} for problem in problems)
    assert len(shed) == 2


def test_the_loop_runs_between_two_turns() -> None:
    async def between() -> list[str]:
        queue, seen = Queue(9, lambda: None), list[str]()

        async def ask() -> None:
            await queue.turn()
            seen.append("turn")
            asyncio.get_running_loop().call_soon(seen.append, "loop")

        await asyncio.gather(*(ask() for _ in range(3)))
        return seen

    assert asyncio.run(between()) == ["turn", "loop"] * 3


def test_what_arrives_at_once_is_admitted_up_to_the_limit() -> None:
    async def arrive() -> list[bool]:
        loop, queue = asyncio.get_running_loop(), Queue(2, lambda: None)
        at_once = [queue.has_room(loop) for _ in range(3)]
        await asyncio.sleep(0)  # by now they would have asked for their turn
        return [*at_once, queue.has_room(loop)]

    assert asyncio.run(arrive()) == [True, True, False, True]


def test_whoever_leaves_the_queue_holds_nobody_up() -> None:
    async def leave() -> list[object]:
        queue = Queue(9, lambda: None)
        await queue.turn()
        gone = asyncio.create_task(queue.turn())
        await asyncio.sleep(0)
        gone.cancel()
        return await outcomes(queue, 2)

    assert asyncio.run(leave()) == [0, 1]


def connections(served: Served, running: ExitStack, count: int) -> list[socket.socket]:
    """So many connections, each of which has been accepted."""
    opened = []
    for _ in range(count):
        connection = socket.create_connection(served.address, timeout=30)
        opened.append(running.enter_context(connection))
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert status(connection) == 200
    return opened


def status(connection: socket.socket) -> int:
    """The status of the answer that comes next, which is read to its end."""
    answer = HTTPResponse(connection)
    answer.begin()
    answer.read()
    return answer.status


@pytest.mark.parametrize("pieces", [[HEAD + LENGTH + b"{}"], [HEAD + LENGTH, b"{}"]])
def test_what_arrives_while_nobody_is_answered_is_shed_past_the_limit(
    serve: Callable[..., Served], pieces: list[bytes]
) -> None:
    served = serve("--queue-limit", "2")
    with ExitStack() as running:
        opened = connections(served, running, 20)
        served.process.send_signal(signal.SIGSTOP)  # so that all of them arrive at once
        for connection in opened:
            connection.sendall(pieces[0])
        served.process.send_signal(signal.SIGCONT)
        for piece in pieces[1:]:
            for connection in opened:
                connection.sendall(piece)
        found = Counter(map(status, opened))
        assert found[200] >= 2
        assert found[503] >= 1
        assert found.total() == 20
        metrics = httpx.get(f"{served.url}/metrics").text
        assert f"rtt2vec_shed_requests_total {found[503]}.0" in metrics
        answered = 'rtt2vec_requests_total{route="/recommend",status="503"}'
        assert f"{answered} {found[503]}.0" in metrics
        for connection in opened:  # one after another: nobody waits
            connection.sendall(HEAD + LENGTH + b"{}")
            assert status(connection) == 200


def test_who_is_shed_is_told_when_to_come_back(serve: Callable[..., Served]) -> None:
    served = serve("--queue-limit", "1")
    with ExitStack() as running:
        opened = connections(served, running, 10)
        served.process.send_signal(signal.SIGSTOP)
        for connection in opened:
            connection.sendall(HEAD + LENGTH + b"{}")
        served.process.send_signal(signal.SIGCONT)
        answers = [connection.recv(65536) for connection in opened]
    (refused, *_) = [answer for answer in answers if answer.split()[1] == b"503"]
    head, _, body = refused.partition(b"\r\n\r\n")
    assert b"retry-after: 1" in head.split(b"\r\n")
    assert b"content-type: application/problem+json" in head.split(b"\r\n")
    assert json.loads(body)["status"] == 503


@pytest.mark.parametrize(
    "asked",
    [
        b"GET /items/item-0/related HTTP/1.1\r\n",
        b"GET /items/item-0/substitutes HTTP/1.1\r\n",
        b"GET /users/user-0/profile HTTP/1.1\r\n",
        HEAD.replace(b"recommend", b"related") + b"Content-Length: 22\r\n",
    ],
)
def test_whatever_shoppers_wait_for_waits_in_the_queue(
    serve: Callable[..., Served], asked: bytes
) -> None:
    served = serve("--queue-limit", "1")
    request = asked + b"Host: x\r\n\r\n" + b'{"items": ["item-0"] }' * asked.startswith(b"POST")
    assert all_at_once(served, request).keys() == {200, 503}
    assert all_at_once(served, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").keys() == {200}


def all_at_once(served: Served, request: bytes) -> Counter[int]:
    """How often which status answers, when the same arrives on many connections at a time."""
    with ExitStack() as running:
        opened = connections(served, running, 10)
        served.process.send_signal(signal.SIGSTOP)
        for connection in opened:
            connection.sendall(request)
        served.process.send_signal(signal.SIGCONT)
        return Counter(map(status, opened))


def test_whoever_waited_for_a_profile_has_to_wait_for_the_turn_too(
    bundle_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(Settings(bundle=bundle_dir, queue_limit=1))
    app.state.swap.start()
    serving = app.state.serving
    serving.served = require_served(serving)._replace(read_first=True)

    async def statuses() -> Counter[int]:
        asked, known = asyncio.Semaphore(0), asyncio.Event()

        async def profile(*_: object) -> None:
            asked.release()
            await known.wait()

        monkeypatch.setattr("service.serving.served.Served.profile", profile)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            shoppers = []
            for _ in range(5):
                shopper = client.post("/recommend", json={"user_id": "user-0"})
                shoppers.append(asyncio.create_task(shopper))
                await asked.acquire()
            known.set()  # to all of them at the same time
            return Counter([answer.status_code for answer in await asyncio.gather(*shoppers)])

    assert asyncio.run(statuses()) == {200: 2, 503: 3}  # one takes the turn, and one waits
