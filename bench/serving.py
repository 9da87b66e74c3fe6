"""Requests per second of /recommend, beside an echo route of the same app that does no work.

The service runs on core 0 and the load on core 1. The two routes take turns, so that what else the
machine does hits both alike: the ratio counts, the rates are for orientation. Then the same service
is asked at a constant rate, and latency counts from the moment at which a request was due.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import httpx

from loadtest.open_loop import Result, run

TURNS = 3


def main() -> None:
    """Start the service, load it, print the figures as JSON."""
    arguments = _arguments()
    if arguments.serve:
        _serve(arguments.bundle, arguments.port)
        return
    command = [sys.executable, __file__, "--serve", "--port", str(arguments.port)]
    service = subprocess.Popen([*command, "--bundle", str(arguments.bundle)])
    try:
        os.sched_setaffinity(0, {1})
        url = f"http://127.0.0.1:{arguments.port}"
        _await_ready(url, service)
        print(json.dumps(_figures(url, arguments), indent=2))
    finally:
        service.terminate()
        service.wait()


def _figures(url: str, arguments: argparse.Namespace) -> dict[str, object]:
    bodies = arguments.requests.read_bytes().splitlines()

    def load(route: str, rate: float | None, seconds: float, connections: int) -> Result:
        return asyncio.run(run(url + route, bodies, rate, seconds, connections))

    load("/recommend", None, 3, 8)
    rates: dict[str, list[float]] = {"/recommend": [], "/echo": []}
    failures = 0
    for _ in range(TURNS):
        for route, found in rates.items():
            result = load(route, None, arguments.duration_s, 8)
            found.append(result.rate)
            failures += result.failures
    medians = {route: sorted(found)[TURNS // 2] for route, found in rates.items()}
    steady = load("/recommend", arguments.rate, arguments.duration_s * 3, 64)
    return {
        "requests_per_s": medians,
        "ratio_to_echo": medians["/recommend"] / medians["/echo"],
        "failures": failures,
        f"open_loop_{arguments.rate:g}_per_s": steady.summary(),
    }


def _serve(bundle: Path, port: int) -> None:
    """The service with one route more, on core 0."""
    os.sched_setaffinity(0, {0})
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    import uvicorn

    from service.app import create_app
    from service.logs import logging_config
    from service.schemas import RecommendedItem, RecommendRequest, RecommendResponse
    from service.settings import Settings

    settings = Settings(bundle=bundle)
    app = create_app(settings)
    items = [
        RecommendedItem(item_id=f"{n:07}", name=f"Item {n}, 12 oz", category="THINGS", score=1 / n)
        for n in range(1, 21)
    ]
    answer = RecommendResponse(
        request_id="0" * 32,
        bundle_id="0" * 16,
        source="user+basket",
        degraded=False,
        unknown_items=[],
        took_ms=0,
        recommendations=items,
    )

    async def echo(_asked: RecommendRequest) -> RecommendResponse:
        return answer

    app.add_api_route("/echo", echo, methods=["POST"])
    uvicorn.run(app, port=port, log_config=logging_config("warning"), access_log=False)


def _await_ready(url: str, service: subprocess.Popen[bytes]) -> None:
    while service.poll() is None:
        try:
            if httpx.get(f"{url}/health/ready").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    sys.exit("serving.py: the service did not start")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--bundle", type=Path, default=Path("bundles"), help="(%(default)s)")
    add("--requests", type=Path, default=Path("loadtest/requests.jsonl"), help="(%(default)s)")
    add("--port", type=int, default=8765, help="(%(default)s)")
    add("--rate", type=float, default=500, help="requests per second (%(default)s)")
    add("--duration-s", type=float, default=8, help="of one turn (%(default)s)")
    add("--serve", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
