"""A log that is slow, full or read by nobody keeps nobody waiting, and loses little."""

import asyncio
import fcntl
import json
import logging
import os
import re
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from select import PIPE_BUF
from subprocess import PIPE, Popen

import httpx
import pytest

from service.app import create_app
from service.settings import Settings
from service.telemetry.log_lines import LineHandler, RequestRecord
from service.telemetry.logs import JsonFormatter
from service.telemetry.metrics import Metrics
from tests.service.conftest import start


class Log:
    """A file as the log of an app."""

    def __init__(self, descriptor: int) -> None:
        self.stream = os.fdopen(descriptor, "w")
        self.handler = LineHandler()
        self.handler.setFormatter(JsonFormatter())
        self.handler.setStream(self.stream)
        self._metrics = Metrics()
        root = logging.getLogger()
        root.addHandler(self.handler)
        create_app(Settings(), self._metrics)
        root.removeHandler(self.handler)

    def log(self, message: str, **facts: object) -> None:
        """Log a line that does not wait for others."""
        self.handler.handle(logging.makeLogRecord({"msg": message, "levelname": "INFO"} | facts))

    def close(self) -> None:
        """Close the file, after what waits for it."""
        self.handler.close()
        with suppress(OSError):  # what the stream itself has kept
            self.stream.close()

    @property
    def lost(self) -> int:
        """How many lines the metrics say are lost."""
        (lost,) = re.findall(rb"^rtt2vec_lost_log_lines_total (\d+)", self._metrics.render(), re.M)
        return int(lost)


class Pipe(Log):
    """A pipe of one page, that is read on demand."""

    def __init__(self) -> None:
        self.reading, writing = os.pipe()
        os.set_blocking(self.reading, False)
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_BUF)
        super().__init__(writing)

    def read(self) -> bytes:
        """What is in the pipe."""
        try:
            return os.read(self.reading, 1 << 20)
        except BlockingIOError:
            return b""


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.close()
    os.close(pipe.reading)


def records(text: bytes) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def all_lines(pipe: Pipe) -> list[dict[str, object]]:
    """All that is in the pipe, and that waits for room in it."""
    text = b""
    while piece := pipe.read():
        text += piece
        pipe.handler.flush()
    return records(text)


def test_lines_wait_for_a_slow_reader(pipe: Pipe) -> None:
    async def answer() -> None:
        for number in range(500):
            pipe.handler.handle(RequestRecord(logging.INFO, {"number": number}))
            pipe.log("plain", number=number, more="\u20ac" * 100)
        text = b""
        while text.count(b"\n") < 1000:
            text += pipe.read()
            await asyncio.sleep(0)  # what waits is written, though nothing more is logged
        assert [each["number"] for each in records(text)] == sorted([*range(500)] * 2)

    asyncio.run(answer())
    assert pipe.lost == 0


def test_a_log_that_nobody_reads_keeps_nobody_waiting(pipe: Pipe) -> None:
    for number in range(10_000):
        pipe.log("plain", number=number, more="x" * 200)
    assert pipe.lost > 1000
    before = all_lines(pipe)
    assert [each["number"] for each in before] == [*range(10_000 - pipe.lost)]
    pipe.log("plain", number=10_000)
    notice, last = all_lines(pipe)
    assert (notice["message"], notice["lines"]) == ("lines of the log are lost", pipe.lost)
    assert (notice["level"], last["number"]) == ("error", 10_000)


def test_each_line_that_is_lost_is_told_of_once(pipe: Pipe) -> None:
    told = 0
    for length in range(200, 240, 3):  # of the room that is left, some take a line but no notice
        for short in (*[length] * 5200, *range(length, -1, -1)):
            pipe.log("plain", more="x" * short)
        before = all_lines(pipe)
        pipe.log("last")
        told += sum(int(str(each.get("lines", 0))) for each in [*before, *all_lines(pipe)])
        assert told == pipe.lost


def test_a_very_long_line_finds_no_room_at_once_and_is_whole_all_the_same(pipe: Pipe) -> None:
    long = "\u20ac\U0001f600" * 10_000
    for number in range(3):
        pipe.log(long, number=number)
    assert [(each["number"], each["message"]) for each in all_lines(pipe)] == [
        (number, long) for number in range(3)
    ]


def test_lines_wait_until_somebody_reads_again(tmp_path: Path) -> None:
    os.mkfifo(path := tmp_path / "log")
    first = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    log = Log(os.open(path, os.O_WRONLY))
    os.close(first)
    for number in range(1000):
        log.log("plain", number=number)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    text = b""
    while text.count(b"\n") < 1000:
        log.handler.flush()
        text += os.read(reading, 1 << 20)
    assert [each["number"] for each in records(text)] == [*range(1000)]
    assert log.lost == 0
    log.close()
    os.close(reading)


def test_lines_wait_for_room_on_a_disk(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = Log(os.open(path, os.O_WRONLY | os.O_CREAT))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_001, hard))
    try:
        for number in range(1000):
            log.log("plain", number=number)
        assert path.stat().st_size == 10_001  # a part of a line is there
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    log.close()
    assert [each["number"] for each in records(path.read_bytes())] == [*range(1000)]
    assert log.lost == 0


@pytest.mark.parametrize("kind", ["broken", "full", "unread"])
def test_lines_that_wait_at_the_end_are_counted_as_lost(kind: str) -> None:
    reading, writing = os.pipe()
    if kind == "broken":
        os.close(reading)
    elif kind == "full":
        os.close(writing)
        writing = os.open("/dev/full", os.O_WRONLY)
    else:
        os.set_blocking(writing, False)
        with suppress(BlockingIOError):
            while True:
                os.write(writing, bytes(PIPE_BUF))
    log = Log(writing)
    for length in (1, 10, 10_000):
        log.log("x" * length)
    log.close()
    assert log.lost == 3
    if kind != "broken":
        os.close(reading)


# Logs more than a pipe holds, and copies itself; the first process goes on as the log is read.
COPIED = """
import os, select
from logging import makeLogRecord
from service.telemetry.log_lines import LineHandler

handler = LineHandler()
for number in range(1000):
    handler.handle(makeLogRecord({"msg": f"{number:0100}"}))
child = os.fork()
if child:
    print("copied", flush=True)
    os.waitpid(child, 0)
    for _ in range(100):
        select.select([], [2], [])
        handler.flush()
"""


def test_a_copy_of_a_process_does_not_write_what_waits() -> None:
    command = [sys.executable, "-c", COPIED]
    with Popen(command, stdout=PIPE, stderr=PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "copied\n"
        assert [int(line) for line in process.stderr] == list(range(1000))


@pytest.mark.parametrize("flags", [(), ("--workers", "2")])
def test_a_log_that_nobody_reads_stops_no_answer_and_no_end(
    bundle_dir: Path, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    os.mkfifo(log := tmp_path / "log")
    with ExitStack() as running:
        reading = os.open(log, os.O_RDONLY | os.O_NONBLOCK)
        running.callback(os.close, reading)
        fcntl.fcntl(reading, fcntl.F_SETPIPE_SZ, PIPE_BUF)
        served = start(running, log, bundle_dir, *flags)
        with httpx.Client(base_url=served.url) as client:
            for _ in range(100):
                client.post("/recommend", json={}).raise_for_status()
            assert "rtt2vec_lost_log_lines_total 0.0" in client.get("/metrics").text
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(timeout=30) == 0
