"""The queue of a process, and the refusal of requests that find it full."""

import asyncio
import json
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from hashlib import sha256
from http.client import HTTPResponse
from pathlib import Path

import httpx
import pytest

from service.app import create_app
from service.http.admission import Queue, Threads
from service.http.problems import ProblemError
from service.http.readiness import require_served
from service.settings import Settings
from tests.service.conftest import Served

HEAD = b"POST /recommend HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
LENGTH = b"Content-Length: 2\r\n\r\n"
KEYS = {
    "the key of the client": ("recommend", ""),
    "the key of a hasty client": ("recommend", "limit_per_s = 1"),
    "the key of another scope": ("events", ""),
}
OTHERS = ("", "the key of nobody", "the key of another scope", "the key of a hasty client")


async def outcomes(queue: Queue, callers: int) -> list[object]:
    """The place of each of several callers who ask for a turn at once, or its problem."""
    places = iter(range(callers))

    async def ask() -> int:
        await queue.turn()
        return next(places)

    return await asyncio.gather(*(ask() for _ in range(callers)), return_exceptions=True)


def test_turns_are_taken_in_order() -> None:
    queue = Queue(9, lambda: None)
    assert asyncio.run(outcomes(queue, 10)) == list(range(10))


def test_a_request_that_finds_the_queue_full_is_refused_at_once() -> None:
    shed: list[None] = []
    found = asyncio.run(outcomes(Queue(2, lambda: shed.append(None)), 5))
    assert found[:3] == [0, 1, 2]  # one takes the turn, two wait
    problems = [each for each in found if isinstance(each, ProblemError)]
    assert [problem.status for problem in problems] == [503, 503]
    assert all(problem.headers == {"Retry-After": "1"} for problem in problems)
    assert len(shed) == 2


async def between(turns: int, takes_s: float) -> list[str]:
    """The turns of callers who ask at once, and between which of them the loop runs."""
    queue, seen = Queue(turns, lambda: None), list[str]()

    async def ask() -> None:
        await queue.turn()
        begun = time.perf_counter()
        seen.append("turn")
        asyncio.get_running_loop().call_soon(seen.append, "loop")
        while time.perf_counter() - begun < takes_s:
            pass

    await asyncio.gather(*(ask() for _ in range(turns)))
    return seen


def test_the_loop_runs_between_two_turns_that_take_long() -> None:
    assert asyncio.run(between(5, 0.004)) == ["turn", "loop"] * 5


def test_the_loop_runs_after_a_few_turns_that_do_not() -> None:
    seen = "".join(each[0] for each in asyncio.run(between(200, 0)))
    assert seen.count("t") == 200
    assert max(map(len, seen.split("l"))) <= 8


def test_requests_that_arrive_at_once_are_admitted_up_to_the_limit() -> None:
    async def arrive() -> list[bool]:
        queue = Queue(2, lambda: None)
        at_once = [queue.has_room() for _ in range(3)]
        await asyncio.sleep(0)  # by now they would have asked for their turn
        return [*at_once, queue.has_room()]

    assert asyncio.run(arrive()) == [True, True, False, True]


def test_a_request_that_leaves_the_queue_delays_no_other() -> None:
    async def leave() -> list[object]:
        queue = Queue(9, lambda: None)
        await queue.turn()
        gone = asyncio.create_task(queue.turn())
        await asyncio.sleep(0)
        gone.cancel()
        return await outcomes(queue, 2)

    assert asyncio.run(leave()) == [0, 1]


def test_few_requests_run_in_threads_and_few_wait_for_one() -> None:
    running, most, go_on = [0], [0], threading.Event()
    lock, started = threading.Lock(), threading.Semaphore(0)

    def work() -> str:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        started.release()
        go_on.wait()
        with lock:
            running[0] -= 1
        return "done"

    async def results() -> list[object]:
        threads = Threads(2, 3)
        asked = [asyncio.create_task(threads.run(work)) for _ in range(8)]
        refused, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_EXCEPTION)
        assert len(refused) == 3
        for _ in range(2):
            await asyncio.to_thread(started.acquire)
        go_on.set()
        found = await asyncio.gather(*asked, return_exceptions=True)
        return [*found, await threads.run(work)]

    *at_once, later = asyncio.run(results())
    assert at_once[:5] == ["done"] * 5
    problems = [each for each in at_once[5:] if isinstance(each, ProblemError)]
    assert [problem.status for problem in problems] == [503] * 3
    assert (most[0], later) == (2, "done")


def connections(served: Served, running: ExitStack, count: int) -> list[socket.socket]:
    """Open `count` connections; the server has accepted all of them."""
    opened = []
    for _ in range(count):
        connection = socket.create_connection(served.address, timeout=30)
        opened.append(running.enter_context(connection))
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert status(connection) == 200
    return opened


def status(connection: socket.socket) -> int:
    """Read the next answer to its end, and return its status."""
    answer = HTTPResponse(connection)
    answer.begin()
    answer.read()
    return answer.status


@pytest.mark.parametrize("pieces", [[HEAD + LENGTH + b"{}"], [HEAD + LENGTH, b"{}"]])
def test_requests_past_the_limit_are_shed(
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
        for connection in opened:  # one after another, so that none waits
            connection.sendall(HEAD + LENGTH + b"{}")
            assert status(connection) == 200


def test_a_shed_request_is_told_when_to_come_back(serve: Callable[..., Served]) -> None:
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
def test_all_routes_that_a_page_waits_for_use_the_queue(
    serve: Callable[..., Served], asked: bytes
) -> None:
    served = serve("--queue-limit", "1")
    request = asked + b"Host: x\r\n\r\n" + b'{"items": ["item-0"] }' * asked.startswith(b"POST")
    assert all_at_once(served, request).keys() == {200, 503}
    assert all_at_once(served, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").keys() == {200}


def all_at_once(served: Served, request: bytes) -> Counter[int]:
    """Count the statuses of the answers to one request, sent on many connections at once."""
    with ExitStack() as running:
        opened = connections(served, running, 10)
        served.process.send_signal(signal.SIGSTOP)
        for connection in opened:
            connection.sendall(request)
        served.process.send_signal(signal.SIGCONT)
        return Counter(map(status, opened))


def test_requests_that_waited_for_a_profile_wait_for_their_turn_too(
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
            answers = []
            for _ in range(5):
                answer = client.post("/recommend", json={"user_id": "user-0"})
                answers.append(asyncio.create_task(answer))
                await asked.acquire()
            known.set()  # to all of them at the same time
            return Counter([answer.status_code for answer in await asyncio.gather(*answers)])

    assert asyncio.run(statuses()) == {200: 2, 503: 3}  # one takes the turn, and one waits


@pytest.mark.parametrize("pieces", [1, 2])
def test_requests_without_a_key_take_no_place_in_the_queue(
    serve: Callable[..., Served], tmp_path: Path, pieces: int
) -> None:
    (file := tmp_path / "keys.toml").write_text("".join(map(entry, KEYS)))
    served = serve("--queue-limit", "2", "--api-keys", str(file))
    client, *others = ["the key of the client", *OTHERS]
    with ExitStack() as running:
        opened = connections(served, running, 121)
        for _ in range(3):
            served.process.send_signal(signal.SIGSTOP)
            for number, connection in enumerate(opened):
                key = client if connection is opened[-1] else others[number % len(others)]
                sent = HEAD + f"Authorization: Bearer {key}\r\n".encode() + LENGTH
                connection.sendall(sent + b"{}" * (pieces == 1))
            served.process.send_signal(signal.SIGCONT)
            for connection in opened * (pieces == 2):
                connection.sendall(b"{}")
            assert status(opened[-1]) == 200
            found = Counter(map(status, opened[:-1]))
            assert (found[401], found[403]) == (60, 30)
            assert found[200] + found[429] >= 29  # a hasty client may take one place
        answered = 'rtt2vec_requests_total{route="/recommend",status="401"} 180.0'
        assert answered in httpx.get(f"{served.url}/metrics").text
        assert 0 < served.log.read_text().count('"status":401') < 180  # only the first few
        connection.sendall(HEAD + LENGTH + b"{}")
        refused = connection.recv(4096)
        assert b"www-authenticate: Bearer\r\n" in refused


def entry(key: str) -> str:
    """The entry of a key in a file."""
    scope, limit = KEYS[key]
    digest = sha256(key.encode()).hexdigest()
    return f'[[keys]]\nname = "{key}"\nscopes = ["{scope}"]\nsha256 = "{digest}"\n{limit}\n'
