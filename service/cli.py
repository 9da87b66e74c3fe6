"""`rtt2vec-serve`: check settings and bundle, then serve, and say how to try it."""

import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from functools import partial
from http.client import HTTPConnection, HTTPException
from ipaddress import ip_address
from tempfile import TemporaryDirectory
from threading import Thread
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pydantic_settings import CliApp

from service.settings import Settings

if TYPE_CHECKING:
    import uvicorn

# A worker answers one request at a time: threads within it would only compete with the other
# workers. The libraries look when they are imported, so that happens below, inside the functions.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then exit with 0; `arguments` default to the command line's.

    Exits with 2 when the settings, and with 1 when a file or the address cannot be used.
    """
    # Once it has shut down gracefully, uvicorn raises the signal again.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    for name in _ONE_THREAD:
        os.environ.setdefault(name, "1")
    # The counts of an earlier run may lie there. Workers, if several, share a new one.
    os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
    settings = _settings(arguments)
    request = _checked_example(settings)
    with _listener(settings) as listener:
        url = _url(listener)
        Thread(target=_announce, args=(url, request), daemon=True).start()
        _serve(settings, listener)


def _settings(arguments: Sequence[str] | None) -> Settings:
    try:
        return CliApp.run(Settings, cli_args=None if arguments is None else list(arguments))
    except ValidationError as error:
        for each in error.errors():
            name = "_".join(map(str, each["loc"]))
            flag = f"--{name.replace('_', '-')} (RTT2VEC_{name.upper()})"
            _complain(f"{flag}: {each['msg']}; found {each['input']!r}.")
        sys.exit(2)


def _checked_example(settings: Settings) -> dict[str, Any]:
    """Load the bundle as a worker will, so that a bad one is refused here, and sample it."""
    from service.assortment import AssortmentError
    from service.bundle import BundleError, load_bundle
    from service.example import example_request
    from service.recommender import Recommender

    try:
        bundle = load_bundle(settings.bundle)
        Recommender(bundle, settings)
    except (BundleError, AssortmentError) as error:
        _complain(str(error))
        sys.exit(1)
    return example_request(bundle)


def _listener(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        _complain(f"cannot listen on {settings.host}, port {settings.port}: {error.strerror}.")
        sys.exit(1)


def _serve(settings: Settings, listener: socket.socket) -> None:
    import uvicorn

    from service.app import create_app
    from service.logs import logging_config

    config = uvicorn.Config(
        partial(create_app, settings),
        factory=True,
        workers=settings.workers,
        lifespan="on",
        ws="none",
        log_config=logging_config(settings.log_level),
        access_log=False,  # The app writes its own, with request ids.
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=settings.keep_alive_s,
        timeout_graceful_shutdown=settings.shutdown_grace_s,
    )
    if settings.workers == 1:
        uvicorn.Server(config).run([listener])
        return
    with TemporaryDirectory(prefix="rtt2vec-metrics-") as shared:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = shared  # The workers inherit it.
        _supervise(config, listener)


def _supervise(config: "uvicorn.Config", listener: socket.socket) -> None:
    from uvicorn.supervisors import Multiprocess

    class Supervisor(Multiprocess):
        def terminate_all(self) -> None:
            # Else callers would go on connecting, to workers that accept no more.
            listener.close()
            super().terminate_all()

    Supervisor(config, [listener]).run()


def _url(listener: socket.socket) -> str:
    """Return an address that a client on this machine can use, even of a socket bound to all."""
    host, port = listener.getsockname()[:2]
    address = ip_address(host)
    if address.is_unspecified:
        host = "127.0.0.1" if address.version == 4 else "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _announce(url: str, request: dict[str, Any]) -> None:
    """Once the service is ready, print the one line that a newcomer needs."""
    from service.example import curl_command

    while not _is_ready(url):
        time.sleep(0.05)
    print(f"Listening on {url}. Try: {curl_command(url, request)}", flush=True)


def _is_ready(url: str) -> bool:
    connection = HTTPConnection(url.removeprefix("http://"), timeout=1)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _complain(message: str) -> None:
    print(f"rtt2vec-serve: {message}", file=sys.stderr)
