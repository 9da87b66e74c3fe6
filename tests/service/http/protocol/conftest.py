"""Servers whose app tells what it received, with limits of their own."""

import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPResponse
from threading import Event, Thread
from typing import NamedTuple

import uvicorn
from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.http.admission import Queue
from service.http.keys.access import Verdict
from service.http.protocol.connections import Connections
from service.http.protocol.shedding import Shedding, SheddingProtocol


@dataclass
class Server:
    """A server, and what it has seen."""

    address: tuple[str, int] = ("", 0)
    asked: list[str] = field(default_factory=list)
    """The paths of the requests that its app received."""
    headers: list[list[str]] = field(default_factory=list)
    """The names of their headers, once the body has been read."""
    shed: list[int] = field(default_factory=list)
    """The statuses of the requests that were refused early."""
    cut: list[str] = field(default_factory=list)
    """The reasons why connections were cut off."""
    cut_off: Event = field(default_factory=Event)
    """Is set each time."""
    arrived: Event = field(default_factory=Event)
    """Is set by a request to `/wait`."""
    released: Event = field(default_factory=Event)
    """Lets it answer such requests."""

    def connect(self) -> socket.socket:
        """A connection to it."""
        return socket.create_connection(self.address, timeout=30)


class Answer(NamedTuple):
    """A response."""

    status: int
    headers: dict[str, str]
    body: bytes


def answer(connection: socket.socket) -> Answer:
    """Read the next answer."""
    response = HTTPResponse(connection)
    response.begin()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, response.read())


def rest(connection: socket.socket) -> bytes:
    """Everything that comes until the server closes the connection."""
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionResetError:  # it was closed before all was read that had been sent
        pass
    return received


@contextmanager
def serving(
    *,
    queue_limit: int = 32,
    forecast: Callable[[bytes], Verdict] | None = None,
    body_limit_bytes: int = 1000,
    connection_limit: int = 1000,
    unfinished_limit_bytes: int = 1 << 20,
    transfer_timeout_s: float = 30,
    keep_alive_s: int = 30,
) -> Iterator[Server]:
    """Serve an app that answers with the path and the length of the body."""
    server = Server()
    limits = (connection_limit, unfinished_limit_bytes, transfer_timeout_s)

    def observe(reason: str) -> None:
        server.cut.append(reason)
        server.cut_off.set()

    state = {
        "shedding": Shedding(
            Queue(queue_limit, lambda: None),
            forecast,
            body_limit_bytes,
            server.shed.append,
        ),
        "connections": Connections(*limits, observe),
    }

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, object]]:
        yield state

    async def echo(request: Request) -> Response:
        server.asked.append(request.url.path)
        size = len(await request.body())
        if request.url.path == "/wait":
            server.arrived.set()
            await to_thread.run_sync(server.released.wait)
        server.headers.append(request.headers.keys())
        return Response(f"{request.url.path} {size}")

    async def block(_request: Request) -> Response:
        server.arrived.set()
        server.released.wait()  # the whole loop
        return Response()

    async def large(_request: Request) -> Response:
        return Response(b"x" * (1 << 20))

    routes = [
        Route("/large", large),
        Route("/block", block),
        Route("/{path}", echo, methods=["GET", "POST"]),
    ]
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # it is full soon
    config = uvicorn.Config(
        Starlette(routes=routes, lifespan=lifespan),
        http=SheddingProtocol,
        log_config=None,
        timeout_keep_alive=keep_alive_s,
    )
    uvicorn_server = uvicorn.Server(config)
    thread = Thread(target=uvicorn_server.run, args=([listener],))
    thread.start()
    server.address = listener.getsockname()
    try:
        yield server
    finally:
        server.released.set()
        uvicorn_server.should_exit = True
        thread.join()
