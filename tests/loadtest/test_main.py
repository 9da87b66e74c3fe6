"""`python -m loadtest`, against a real service."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.service.conftest import Served


@pytest.fixture
def requests(tmp_path: Path) -> Path:
    """A file of request bodies."""
    path = tmp_path / "requests.jsonl"
    path.write_text("".join(json.dumps({"user_id": f"user-{u}"}) + "\n" for u in range(6)))
    return path


def loadtest(requests: Path, host: str, *flags: str) -> subprocess.CompletedProcess[str]:
    """Run a short load test to its end."""
    command = [sys.executable, "-m", "loadtest", "--requests", str(requests), "--host", host]
    return subprocess.run(
        [*command, "--duration-s", "1", "--users", "2", "--max-p99-ms", "10000", *flags],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_says_how_the_service_did(requests: Path, served: Served) -> None:
    done = loadtest(requests, served.url)
    assert done.returncode == 0, done.stderr
    line = r"\d+ requests/s  p50 [\d.]+ ms  p95 [\d.]+ ms  p99 [\d.]+ ms  0 failures\n"
    assert re.fullmatch(line, done.stdout)


def test_a_p99_over_the_limit_fails(requests: Path, served: Served) -> None:
    done = loadtest(requests, served.url, "--max-p99-ms", "0.001")
    assert done.returncode == 1
    assert "at most 0.001 ms" in done.stderr


def test_failures_over_the_limit_fail(requests: Path, served: Served) -> None:
    requests.write_text('{"k": 0}\n{"k": 1}\n')
    done = loadtest(requests, served.url)
    assert done.returncode == 1
    assert re.search(r"[1-9]\d* failures, at most 0", done.stderr)


def test_without_a_service_it_says_so(requests: Path) -> None:
    done = loadtest(requests, "http://127.0.0.1:1")
    assert done.returncode == 1
    assert "no service at http://127.0.0.1:1" in done.stderr


def test_without_requests_it_says_how_to_make_them(tmp_path: Path, served: Served) -> None:
    done = loadtest(tmp_path / "none.jsonl", served.url)
    assert done.returncode == 1
    assert "rtt2vec-build sample-requests" in done.stderr


def test_it_imports_neither_service_nor_builder() -> None:
    code = "import loadtest.__main__, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded.isdisjoint({"service", "index_builder"})


def test_a_basket_grows_by_one_item_per_step() -> None:
    code = "from loadtest.locustfile import growing; print(*growing(input()), sep='\\n')"
    body = {"user_id": "user-1", "basket": ["item-3", "item-1", "item-2"], "k": 5}
    done = subprocess.run(  # apart: Locust patches the standard library when it is imported
        [sys.executable, "-c", code],
        input=json.dumps(body),
        capture_output=True,
        text=True,
        check=True,
    )
    baskets = [["item-3"], ["item-3", "item-1"], ["item-3", "item-1", "item-2"]]
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    assert steps == [body | {"basket": basket} for basket in baskets]
