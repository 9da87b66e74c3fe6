"""Requests to POST /recommend, of an app that is called inside this process."""

import asyncio
from collections.abc import Sequence
from time import perf_counter, process_time
from typing import NamedTuple

import uvicorn
from fastapi import FastAPI
from starlette.types import Message, Receive, Scope

__all__ = ["Posted", "post"]


class Posted(NamedTuple):
    """What came of some requests, one after another.

    Attributes:
        failures: how many were not answered with 200.
        seconds: that each took, from the call of the app to its return.
        cpu_s: processor time of the process for all of them.
    """

    failures: int
    seconds: list[float]
    cpu_s: float


def post(app: FastAPI, bodies: Sequence[bytes]) -> Posted:
    """Send requests with these bodies, in an event loop as the service has it."""
    loop_factory = uvicorn.Config(app).get_loop_factory()
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(_post(app, bodies))


async def _post(app: FastAPI, bodies: Sequence[bytes]) -> Posted:
    statuses, seconds = [], []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    requests = [(_scope(body), _receive(body)) for body in bodies]
    before = process_time()
    for scope, receive in requests:
        began = perf_counter()
        await app(scope, receive, send)
        seconds.append(perf_counter() - began)
    cpu_s = process_time() - before
    return Posted(sum(status != 200 for status in statuses), seconds, cpu_s)


def _receive(body: bytes) -> Receive:
    message: Message = {"type": "http.request", "body": body, "more_body": False}

    async def receive() -> Message:
        return message

    return receive


def _scope(body: bytes) -> Scope:
    """A request as uvicorn passes it to the app."""
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/recommend",
        "raw_path": b"/recommend",
        "query_string": b"",
        "root_path": "",
        "headers": [
            (b"host", b"127.0.0.1"),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 0),
    }
