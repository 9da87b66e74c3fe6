"""`python -m loadtest`: load a running service with held-out baskets, and check the limits."""

# Locust patches the standard library when it is imported, so it must come first.
from locust.env import Environment  # isort: skip

import argparse
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

import urllib3

from loadtest import locustfile
from loadtest.result import Result


def main() -> None:
    """Run for a while and print one line; exit with 1 if a limit is exceeded."""
    arguments = _arguments()
    locustfile.REQUESTS = arguments.requests
    _check(arguments)
    result = run(arguments.host, arguments.users, arguments.duration_s)
    if not result.times_ms:
        _leave("no request was answered in time.")
    print(result)
    if result.failures > arguments.max_failures:
        _leave(f"{result.failures} failures, at most {arguments.max_failures} allowed.")
    if (p99 := result.percentile_ms(99)) > arguments.max_p99_ms:
        _leave(f"p99 {p99:.1f} ms, at most {arguments.max_p99_ms} ms allowed.")


def run(host: str, users: int, duration_s: float) -> Result:
    """Load `host` with `users` concurrent users for `duration_s` seconds."""
    result = Result()

    def record(response_time: float, exception: Exception | None, **_: Any) -> None:
        # Locust rounds its own statistics to whole milliseconds.
        result.record(response_time, answered=exception is None)

    environment = Environment(user_classes=[locustfile.BasketUser], host=host)
    environment.events.request.add_listener(record)
    runner = environment.create_local_runner()
    started = time.perf_counter()
    runner.start(users, spawn_rate=users)
    time.sleep(duration_s)  # gevent's sleep: the users go on
    runner.quit()
    result.seconds = time.perf_counter() - started
    return result


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m loadtest", description=__doc__)
    add = parser.add_argument
    add("--host", default="http://127.0.0.1:8000", help="URL of the service (%(default)s)")
    add("--requests", type=Path, default=locustfile.REQUESTS, help="bodies to post (%(default)s)")
    add("--users", type=int, default=4, help="concurrent users (%(default)s)")
    add("--duration-s", type=float, default=30, help="seconds to run (%(default)s)")
    add("--max-p99-ms", type=float, default=50, help="limit of the 99th percentile (%(default)s)")
    add("--max-failures", type=int, default=0, help="limit of failed requests (%(default)s)")
    return parser.parse_args()


def _check(arguments: argparse.Namespace) -> None:
    """Exit with a message if there are no requests or no service, before any failure counts."""
    if not arguments.requests.is_file() or not arguments.requests.stat().st_size:
        remedy = f"rtt2vec-build sample-requests --requests {arguments.requests}"
        _leave(f"no requests in {arguments.requests}. Make them with: {remedy}")
    try:
        answer = urllib3.request("GET", f"{arguments.host}/health/ready", timeout=10, retries=False)
    except urllib3.exceptions.HTTPError as error:
        _leave(f"no service at {arguments.host} ({error}). Start it with: make run")
    if answer.status != 200:
        _leave(f"{arguments.host} is not ready: it answers {answer.status} {answer.reason}.")


def _leave(reason: str) -> NoReturn:
    sys.exit(f"loadtest: {reason}")


if __name__ == "__main__":
    main()
