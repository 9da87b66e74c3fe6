"""`rtt2vec-serve`: check settings and bundle, serve, and print a command to try.

The first argument may name another command: `forget`, `new-key` or `replay-dead-letters`.
"""

import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException
from ipaddress import ip_address
from logging.config import dictConfig
from threading import Thread
from time import sleep
from typing import TYPE_CHECKING, NoReturn

from service.cli.arguments import complain, read_settings, unknown_variables
from service.settings import Settings
from service.supervision.code import load_code
from service.supervision.serving_process import Service, serve
from service.supervision.start_checks import StartError, check_open_files, checked, shared_directory
from service.supervision.supervisor import Supervisor
from service.support.apart import leave
from service.support.memory import give_back_large_blocks
from service.telemetry.logs import logging_config

if TYPE_CHECKING:
    from service.recommending.request import RecommendRequest

_logger = logging.getLogger(__name__)

# A worker answers one request at a time, so that threads would only compete with other workers. And
# the process that workers are forked from must have none. It imports nothing from where it runs.
# Libraries read these variables when they are imported: imports stand inside the functions below.
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "PYTHONSAFEPATH": "1",
}
_BACKLOG = 2048  # connections that wait to be accepted
_POLL_S = (0.05, 1.0)  # for workers that are not ready yet: at first, and at most


def main(arguments: Sequence[str] | None = None) -> None:
    """Do a command, by default to serve; `arguments` default to the command line's.

    To serve ends with SIGTERM or SIGINT, and with 0 if all workers ran and ended well. A command
    exits with 2 if the settings are invalid, with 1 if a file or the address cannot be used.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback
    arguments = sys.argv[1:] if arguments is None else arguments
    match arguments[:1]:
        case ["forget"]:
            from service.cli.forget import forget

            forget(arguments[1:])
        case ["new-key"]:
            from service.http.keys.new_key import new_key

            print(new_key(arguments[1:]))
        case ["replay-dead-letters"]:
            from service.cli.replay_dead_letters import replay_dead_letters

            replay_dead_letters(arguments[1:])
        case _:
            _check_and_serve(arguments)


def _check_and_serve(arguments: Sequence[str]) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # files are looked at without being asked
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    give_back_large_blocks()
    # It may hold the counts of an earlier run. Several workers get a new directory below.
    os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
    settings = read_settings(arguments)
    service = Service(settings, logging_config(settings.log_level, settings.log_users))
    dictConfig(service.logging_config)
    for warning in unknown_variables(os.environ):
        _logger.warning(warning)
    with _bound(settings) as listener:
        leave(_serve(service, listener))


def _bound(settings: Settings) -> socket.socket:
    """Return a socket at the address of the service; nobody can connect before it listens."""
    is_ipv6 = ":" in settings.host
    listener = socket.socket(socket.AF_INET6 if is_ipv6 else socket.AF_INET)
    if is_ipv6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        _cannot_listen(settings, error)
    return listener


def _cannot_listen(settings: Settings, error: OSError) -> NoReturn:
    complain(f"cannot listen on {settings.host}, port {settings.port}: {error.strerror}.")
    sys.exit(1)


def _serve(service: Service, listener: socket.socket) -> int:
    """Check, then serve until a signal, and return the exit code."""

    def begin(request: "RecommendRequest") -> None:
        try:
            listener.listen(_BACKLOG)
        except OSError as error:
            _cannot_listen(service.settings, error)
        settings = service.settings
        announcing = (_url(listener), settings.workers, request, settings.storefront == "on")
        Thread(target=_announce, args=announcing, daemon=True).start()

    try:
        check_open_files(service.settings)
        if service.settings.workers == 1:
            load_code()
            found = checked(service.settings)
            begin(found.example)
            return serve(service, listener, load=found.load)
        with shared_directory(service.settings.workers) as shared:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(shared)  # inherited by the workers
            return Supervisor(service, shared, listener, begin).run()
    except StartError as error:
        complain(str(error))
        return 1


def _url(listener: socket.socket) -> str:
    """Return an address for clients on this machine, also where the socket is bound to all."""
    host, port = listener.getsockname()[:2]
    address = ip_address(host)
    if address.is_unspecified:
        host = "127.0.0.1" if address.version == 4 else "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _announce(url: str, workers: int, request: "RecommendRequest", shop: bool) -> None:
    """Print the addresses and a command to try, once every worker is ready."""
    from service.serving.example_requests import curl_command

    wait_s, most_s = _POLL_S
    while _workers_ready(url) < workers:
        sleep(wait_s)
        wait_s = min(1.1 * wait_s, most_s)
    print(f"Listening on {url}. Try: {curl_command(url, request)}", flush=True)
    if shop:
        print(f"The shop is open: {url}/shop, the console: {url}/console", flush=True)


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
