"""`rtt2vec-serve`: check settings and bundle, serve, and print a command to try.

The first argument may name another command, see `service.commands`.
"""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from http.client import HTTPConnection, HTTPException
from ipaddress import ip_address
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import TYPE_CHECKING

from service.commands.arguments import complain, read_settings
from service.settings import Settings
from service.support.memory import give_back_large_blocks

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

    from service.recommending.request import RecommendRequest

# A worker answers one request at a time, so that threads would only compete with other workers.
# Libraries read these variables when they are imported: imports stand inside the functions below.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main(arguments: Sequence[str] | None = None) -> None:
    """Do a command, by default to serve; `arguments` default to the command line's.

    To serve ends with SIGTERM or SIGINT, and with 0. A command exits with 2 if the settings are
    invalid, with 1 if a file or the address cannot be used.
    """
    # After a graceful shutdown uvicorn raises the signal again.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    arguments = sys.argv[1:] if arguments is None else arguments
    match arguments[:1]:
        case ["forget"]:
            from service.commands.forget import forget

            forget(arguments[1:])
        case ["new-key"]:
            from service.http.keys.new_key import new_key

            print(new_key(arguments[1:]))
        case ["replay-dead-letters"]:
            from service.commands.replay_dead_letters import replay_dead_letters

            replay_dead_letters(arguments[1:])
        case _:
            _check_and_serve(arguments)


def _check_and_serve(arguments: Sequence[str]) -> None:
    for name in _ONE_THREAD:
        os.environ.setdefault(name, "1")
    give_back_large_blocks()
    # It may hold the counts of an earlier run. Several workers get a new directory below.
    os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
    settings = read_settings(arguments)
    request = _checked_apart(settings) if settings.workers > 1 else _checked_example(settings)
    with _listener(settings) as listener:
        url = _url(listener)
        announcing = (url, settings.workers, request)
        Thread(target=_announce, args=announcing, daemon=True).start()
        _serve(settings, listener)


def _checked_example(settings: Settings) -> "RecommendRequest":
    """Check all that a worker will need, so that a mistake ends the command; return an example."""
    from service.bundle.bundle import load_bundle
    from service.bundle.errors import BundleError
    from service.business_rules.errors import RulesError
    from service.business_rules.files import RuleFiles
    from service.events import open_stream
    from service.events.errors import EventsError
    from service.http.keys.access import Access
    from service.http.keys.api_keys import ApiKeysError
    from service.recommending.recommender import Recommender
    from service.serving.example_requests import example_requests
    from service.support.extras import ExtraMissingError
    from service.support.forgotten_users import ForgottenUsers

    try:
        bundle = load_bundle(settings.bundle)
        Recommender(bundle, settings)
        RuleFiles(bundle.catalogue, settings.rules, settings.availability)
        Access(settings)
        _check_extras(settings)
        if (stream := open_stream(settings)) is not None:
            stream.check()
            stream.close()
        since = ForgottenUsers.beside(settings.bundle).now().since
    except (
        BundleError,
        RulesError,
        ApiKeysError,
        EventsError,
        ExtraMissingError,
        OSError,
    ) as error:
        complain(str(error))
        sys.exit(1)
    return example_requests(bundle, 1, since)[0]


def _check_extras(settings: Settings) -> None:
    from service.support.extras import Extra, need

    asked: tuple[tuple[Extra, str, str | None], ...] = (
        ("kafka", "RTT2VEC_KAFKA", settings.kafka),
        ("memcached", "RTT2VEC_MEMCACHED", settings.memcached),
        ("tracing", "RTT2VEC_TRACES", settings.traces),
    )
    for extra, variable, value in asked:
        if value is not None:
            need(extra, variable)


def _checked_apart(settings: Settings) -> "RecommendRequest":
    """Do the same in a process that ends, since the supervisor needs no memory for a bundle."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(_checked_example, settings).result()


def _listener(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        complain(f"cannot listen on {settings.host}, port {settings.port}: {error.strerror}.")
        sys.exit(1)


def server_config(app: Callable[[], "FastAPI"], settings: Settings) -> "uvicorn.Config":
    """Return how uvicorn serves the app in each worker."""
    import uvicorn

    from service.telemetry.logs import logging_config

    return uvicorn.Config(
        app,
        factory=True,
        workers=settings.workers,
        lifespan="on",
        http="service.http.protocol.shedding:SheddingProtocol",  # only workers load it
        ws="none",
        log_config=logging_config(settings.log_level, settings.log_users),
        access_log=False,  # the app writes its own, with request ids
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=settings.keep_alive_s,
        timeout_graceful_shutdown=settings.shutdown_grace_s,
    )


def _serve(settings: Settings, listener: socket.socket) -> None:
    import uvicorn

    if settings.workers == 1:
        uvicorn.Server(server_config(partial(_app, settings), settings)).run([listener])
        return
    with TemporaryDirectory(prefix="rtt2vec-workers-") as shared:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = shared  # inherited by the workers
        app = partial(_app, settings, Path(shared))
        _supervise(server_config(app, settings), listener)


def _app(settings: Settings, shared: Path | None = None) -> "FastAPI":
    """Create the service; its modules are imported in workers only, not in their supervisor."""
    from service.app import create_app

    give_back_large_blocks()
    return create_app(settings, shared=shared)


def _supervise(config: "uvicorn.Config", listener: socket.socket) -> None:
    from uvicorn.supervisors import Multiprocess

    class Supervisor(Multiprocess):
        def terminate_all(self) -> None:
            # Otherwise clients would still connect to workers that accept no more.
            listener.close()
            super().terminate_all()

        def keep_subprocess_alive(self) -> None:
            watched = {process.pid for process in self.processes}
            super().keep_subprocess_alive()
            for pid in watched - {process.pid for process in self.processes}:
                # Imported only when it is needed, to save the supervisor's memory.
                from prometheus_client.multiprocess import mark_process_dead

                mark_process_dead(pid)  # a killed worker could not do it itself

    Supervisor(config, [listener]).run()


def _url(listener: socket.socket) -> str:
    """Return an address for clients on this machine, also where the socket is bound to all."""
    host, port = listener.getsockname()[:2]
    address = ip_address(host)
    if address.is_unspecified:
        host = "127.0.0.1" if address.version == 4 else "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _announce(url: str, workers: int, request: "RecommendRequest") -> None:
    """Print the address and a command to try, once every worker is ready."""
    from service.serving.example_requests import curl_command

    while _workers_ready(url) < workers:
        time.sleep(0.05)
    print(f"Listening on {url}. Try: {curl_command(url, request)}", flush=True)


def _workers_ready(url: str) -> float:
    """Return how many workers are ready, as any one of them reports."""
    connection = HTTPConnection(url.removeprefix("http://"), timeout=1)
    try:
        connection.request("GET", "/metrics")
        lines = connection.getresponse().read().decode().splitlines()
    except (OSError, HTTPException):
        return 0
    finally:
        connection.close()
    samples = dict(line.rpartition(" ")[::2] for line in lines)
    return float(samples.get("rtt2vec_workers_ready", 0))
