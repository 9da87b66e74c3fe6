"""`rtt2vec-serve`: check settings and bundle, serve, and print a command to try.

`rtt2vec-serve replay-dead-letters` takes the dead letters of `--events` in again.
`rtt2vec-serve new-key` makes an API key and its entry in the file of keys.
`rtt2vec-serve forget USER` deletes what is known of a user, in the places that the settings name.
"""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from http.client import HTTPConnection, HTTPException
from ipaddress import ip_address
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import TYPE_CHECKING

from pydantic import ValidationError
from pydantic_settings import CliApp, SettingsError

from service.settings import Settings
from service.support.invalid_fields import TEXT, field_error
from service.support.memory import give_back_large_blocks

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

    from service.recommending.request import RecommendRequest

# A worker answers one request at a time, so that threads would only compete with other workers.
# Libraries read these variables when they are imported: imports stand inside the functions below.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then exit with 0; `arguments` default to the command line's.

    Exits with 2 if the settings are invalid, with 1 if a file or the address cannot be used.
    """
    # After a graceful shutdown uvicorn raises the signal again.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["replay-dead-letters"]:
        _replay_dead_letters(_settings(arguments[1:]))
        return
    if arguments[:1] == ["forget"]:
        _forget(arguments[1:])
        return
    if arguments[:1] == ["new-key"]:
        from service.http.keys.new_key import new_key

        print(new_key(arguments[1:]))
        return
    for name in _ONE_THREAD:
        os.environ.setdefault(name, "1")
    give_back_large_blocks()
    # It may hold the counts of an earlier run. Several workers get a new directory below.
    os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
    settings = _settings(arguments)
    request = _checked_apart(settings) if settings.workers > 1 else _checked_example(settings)
    with _listener(settings) as listener:
        url = _url(listener)
        announcing = (url, settings.workers, request)
        Thread(target=_announce, args=announcing, daemon=True).start()
        _serve(settings, listener)


def _replay_dead_letters(settings: Settings) -> None:
    from service.events import open_stream
    from service.events.errors import EventsError, JournalError
    from service.events.replay import replay

    try:
        stream = open_stream(settings)
        if stream is None:
            _complain("--events (RTT2VEC_EVENTS): expected the directory of the dead letters.")
            sys.exit(2)
        replayed = replay(stream)
        stream.close()
    except (EventsError, JournalError, OSError) as error:
        _complain(f"not all dead letters were replayed: {error}. Run the command again.")
        sys.exit(1)
    counts = ", ".join(f"{count} {name}" for name, count in replayed._asdict().items())
    print(f"{sum(replayed)} dead letters replayed: {counts}.")


def _forget(arguments: Sequence[str]) -> None:
    from service.events import open_stream
    from service.events.errors import EventsError
    from service.serving.forgetting import Forgetting, ForgettingError
    from service.support.extras import ExtraMissingError

    if not arguments or arguments[0] in ("-h", "--help"):
        _complain("expected a user, and the settings as flags or variables: forget USER [--FLAG …]")
        sys.exit(2)
    user_id, *flags = arguments
    settings = _settings(flags)
    try:
        _check_extras(settings)
        stream = open_stream(settings)
        moment = Forgetting(settings, stream).forget(user_id)
        if stream is not None:
            stream.close()
    except (EventsError, ExtraMissingError, ForgettingError) as error:
        _complain(str(error))
        sys.exit(1)
    places = ("events", settings.events), ("memcached", settings.memcached)
    deleted = [f"{name} ({place})" for name, place in places if place is not None]
    where = f"deleted in {' and '.join(deleted)}" if deleted else "not deleted anywhere"
    print(f"The user is forgotten, and {where}.")
    print(
        f"Purchases from {datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ} on count again."
    )


def _settings(arguments: Sequence[str] | None) -> Settings:
    try:
        return CliApp.run(Settings, cli_args=None if arguments is None else list(arguments))
    except ValidationError as error:
        for each in error.errors():
            name = str(each["loc"][0])
            wrong = replace(field_error(each, TEXT), field=_flag(name))
            shown = name in Settings.model_fields and Settings.model_fields[name].repr
            _complain(f"{wrong}." if shown else f"{wrong.field}: expected {wrong.expected}.")
    except SettingsError:  # the only setting that is no plain text
        _complain(f"{_flag('kafka_options')}: expected a JSON object.")
    sys.exit(2)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')} (RTT2VEC_{name.upper()})"


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
        _complain(str(error))
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
        _complain(f"cannot listen on {settings.host}, port {settings.port}: {error.strerror}.")
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


def _complain(message: str) -> None:
    print(f"rtt2vec-serve: {message}", file=sys.stderr)
