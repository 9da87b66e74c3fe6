"""Lines of the log are written several at a time, and none is lost at the end."""

import asyncio
import json
import logging
import signal
from collections.abc import Callable, Iterator
from io import StringIO
from select import PIPE_BUF
from threading import Thread

import httpx
import pytest

from service.telemetry.log_lines import LineHandler, RequestRecord
from service.telemetry.logs import JsonFormatter
from tests.service.conftest import Served


class Stream(StringIO):
    """A stream that knows what was written at once."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []

    def write(self, text: str) -> int:
        """Take note of a write."""
        self.writes.append(text)
        return super().write(text)


@pytest.fixture
def stream() -> Stream:
    return Stream()


@pytest.fixture
def logger(stream: Stream) -> Iterator[logging.Logger]:
    """A logger whose lines go to the stream alone."""
    handler = LineHandler()
    handler.setFormatter(JsonFormatter())
    handler.setStream(stream)
    logger = logging.Logger("log_lines", logging.INFO)
    logger.addHandler(handler)
    yield logger
    handler.close()


def request(number: int, **facts: str) -> RequestRecord:
    return RequestRecord(logging.INFO, {"number": number} | facts)


def numbers(text: str) -> list[int]:
    return [json.loads(line)["number"] for line in text.splitlines()]


def test_lines_of_requests_are_written_together(logger: logging.Logger, stream: Stream) -> None:
    async def answer() -> None:
        for number in range(5):
            logger.handle(request(number))
        assert not stream.writes
        while not stream.writes:
            await asyncio.sleep(0)

    asyncio.run(answer())
    (written,) = stream.writes
    assert numbers(written) == [0, 1, 2, 3, 4]
    first = json.loads(written.splitlines()[0])
    assert first.pop("time").endswith("+00:00")
    assert first == {"level": "info", "logger": "service.access", "message": "request", "number": 0}


def test_other_lines_are_written_at_once_after_those_that_wait(
    logger: logging.Logger, stream: Stream
) -> None:
    async def answer() -> None:
        logger.handle(request(0))
        logger.info("between", extra={"number": 1})
        assert numbers(stream.getvalue()) == [0, 1]
        logger.handle(request(2))
        thread = Thread(target=lambda: logger.info("elsewhere", extra={"number": 3}))
        thread.start()
        thread.join()
        assert numbers(stream.getvalue()) == [0, 1, 2, 3]

    asyncio.run(answer())


def test_no_write_is_so_large_that_the_lines_of_two_processes_mingle(
    logger: logging.Logger, stream: Stream
) -> None:
    async def answer() -> None:
        for number in range(100):
            logger.handle(request(number, route="ü" * (number * 7)))

    asyncio.run(answer())
    logger.handlers[0].flush()  # as at the end of a process
    assert numbers(stream.getvalue()) == list(range(100))
    assert 1 < len(stream.writes) < 50
    assert max(len(each.encode()) for each in stream.writes) <= PIPE_BUF


def test_a_line_that_cannot_be_written_does_not_harm_the_request(
    logger: logging.Logger, stream: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    async def answer() -> None:
        for value in (1 << 80, "\ud800", 1):
            logger.handle(RequestRecord(logging.INFO, {"number": value}))
        logger.handlers[0].flush()

    asyncio.run(answer())
    assert numbers(stream.getvalue()) == [1]
    assert capsys.readouterr().err.count("Traceback") == 2


@pytest.mark.parametrize("flags", [(), ("--workers", "2"), ("--drain-s", "60")])
def test_no_line_is_lost_at_the_end(serve: Callable[..., Served], flags: tuple[str, ...]) -> None:
    served = serve(*flags)
    with httpx.Client(base_url=served.url) as client:
        for _ in range(30):
            client.post("/recommend", json={}).raise_for_status()
    served.process.send_signal(signal.SIGTERM)
    if "--drain-s" in flags:
        with httpx.Client(base_url=served.url) as client:
            while client.get("/health/ready").is_success:
                pass
            client.post("/recommend", json={}).raise_for_status()
            client.get("/health/live")  # by its answer, those before it are logged
        served.process.send_signal(signal.SIGTERM)  # ends it at once
    assert served.process.wait(timeout=30) == ("--drain-s" in flags)
    lines = [json.loads(line) for line in served.log.read_text().splitlines()]
    answered = [each for each in lines if each["message"] == "request"]
    assert len(answered) == 30 + ("--drain-s" in flags)
    assert len({each["request_id"] for each in answered}) == len(answered)
