"""The command `rtt2vec-serve`, as a real process."""

import json
import os
import shlex
import signal
import socket
import subprocess
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest

from bench.processes import children, parent
from tests.data.daily_bundles import publish
from tests.service.conftest import COMMAND, Served

HEAD = b"POST /recommend HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


def run(*flags: object) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [COMMAND, *map(str, flags)], capture_output=True, text=True, timeout=60, check=False
    )


def test_its_line_holds_a_command_that_works(served: Served) -> None:
    words = shlex.split(served.line)
    curl = words[words.index("curl") :]
    assert curl[2] == f"{served.url}/recommend"
    headers = dict([curl[curl.index("-H") + 1].split(": ")])
    response = httpx.post(curl[2], content=curl[curl.index("-d") + 1], headers=headers)
    assert response.json()["source"] == "user+basket"


def test_its_log_is_json_to_the_last_line(serve: Callable[..., Served]) -> None:
    served = serve("--log-level", "debug")
    httpx.post(f"{served.url}/recommend", json={}, headers={"X-Request-ID": "r1"})
    served.process.terminate()
    served.process.wait()
    lines = [json.loads(line) for line in served.log.read_text().splitlines()]
    assert [line["status"] for line in lines if line.get("request_id") == "r1"] == [200]


def workers_ready(served: Served) -> float:
    """What the service says of itself."""
    lines = httpx.get(f"{served.url}/metrics").text.splitlines()
    (count,) = [line.split()[1] for line in lines if line.startswith("rtt2vec_workers_ready ")]
    return float(count)


@pytest.mark.parametrize("workers", [1, 2])
def test_its_line_waits_for_all_workers(serve: Callable[..., Served], workers: int) -> None:
    served = serve("--workers", str(workers))
    assert workers_ready(served) == workers
    for _ in range(30):  # each on a connection of its own, which any of the workers may take
        assert httpx.get(f"{served.url}/health/ready").status_code == 200


def test_a_worker_that_was_killed_is_replaced_and_no_longer_counted(
    serve: Callable[..., Served],
) -> None:
    served = serve("--workers", "2")
    os.kill(served.workers[-1], signal.SIGKILL)
    served.await_workers(3)
    assert workers_ready(served) == 2


@pytest.mark.parametrize("workers", ["1", "2"])
def test_requests_in_flight_finish_when_it_is_told_to_stop(
    serve: Callable[..., Served], workers: str
) -> None:
    served = serve("--workers", workers)
    with socket.create_connection(served.address, timeout=30) as connection:
        connection.sendall(HEAD + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(4096).split()[1] == b"100"  # It is being answered.
        served.process.send_signal(signal.SIGTERM)
        wait_until_closed(served.address)
        connection.sendall(b"{}")
        assert connection.recv(4096).split()[1] == b"200"
    assert served.process.wait(timeout=30) == 0


def test_it_does_not_wait_longer_than_the_grace(serve: Callable[..., Served]) -> None:
    served = serve("--shutdown-grace-s", "1")
    with socket.create_connection(served.address, timeout=30) as connection:
        connection.sendall(HEAD + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(4096).split()[1] == b"100"
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(timeout=30) == 0


def wait_until_closed(address: tuple[str, int]) -> None:
    """Return once nobody listens at `address` any more."""
    while True:
        try:
            socket.create_connection(address, timeout=30).close()
        except OSError:
            return


@pytest.mark.parametrize("workers", [1, 2])
def test_a_bundle_that_is_not_there_is_refused_in_a_line(tmp_path: Path, workers: int) -> None:
    done = run("--bundle", tmp_path, "--port", 0, "--workers", workers)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"rtt2vec-serve: {tmp_path}: expected a bundle")
    assert done.stderr.count("\n") == 1


def test_a_bundle_that_cannot_take_in_purchases_is_refused(tmp_path: Path) -> None:
    publish(tmp_path, 1)  # its manifest does not say how purchases age
    done = run("--bundle", tmp_path, "--port", 0, "--events", tmp_path / "events")
    assert done.returncode == 1
    assert "expected recency_half_life_days" in done.stderr


def test_nobody_can_connect_before_all_is_checked(bundle_dir: Path, tmp_path: Path) -> None:
    """A check that fails is all that comes of a start: no caller has to see it."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    flags = ("--bundle", bundle_dir, "--port", port, "--workers", 2, "--rules", tmp_path)
    with subprocess.Popen([COMMAND, *map(str, flags)], stderr=subprocess.PIPE) as process:
        while process.poll() is None:
            with pytest.raises(ConnectionRefusedError):
                # From another address, since a connection can reach itself where nobody listens.
                socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.2", 0))
    assert process.returncode == 1


def test_workers_that_end_while_they_check_are_told(bundle_dir: Path) -> None:
    flags = ("--bundle", str(bundle_dir), "--port", "0", "--workers", "2")
    with subprocess.Popen([COMMAND, *flags], stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            with suppress(OSError):  # it has just ended
                for pid in children(process.pid):
                    if parent(pid) != process.pid:  # forked, and no helper that begins
                        os.kill(pid, signal.SIGKILL)
        assert process.stderr is not None
        assert "the process that checks files and settings has ended" in process.stderr.read()
    assert process.returncode == 1


def test_a_catalogue_that_no_request_could_repeat_is_refused(bundle_dir: Path) -> None:
    done = run("--bundle", bundle_dir, "--id-limit-chars", 6)
    assert done.returncode == 1
    assert "expected no item id of more than 6 characters" in done.stderr
    assert "Set RTT2VEC_ID_LIMIT_CHARS to 7" in done.stderr


def test_rules_with_a_mistake_are_refused_with_its_line(bundle_dir: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules:\n- name: a\n  action: boost\n  factor: 0\n  category: bakery\n")
    done = run("--bundle", bundle_dir, "--rules", rules)
    assert done.returncode == 1
    assert done.stderr.startswith(f"rtt2vec-serve: {rules}, line 4: factor: ")
    assert "Traceback" not in done.stderr


def test_rules_that_are_not_there_are_refused(bundle_dir: Path, tmp_path: Path) -> None:
    done = run("--bundle", bundle_dir, "--rules", tmp_path / "none.yaml")
    assert done.returncode == 1
    assert "none.yaml" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_option_that_kafka_does_not_know_is_named(bundle_dir: Path, tmp_path: Path) -> None:
    kafka = ("--events", tmp_path, "--kafka", "127.0.0.1:1")
    done = run("--bundle", bundle_dir, *kafka, "--kafka-options", '{"colour": "red"}')
    assert done.returncode == 1
    assert done.stderr == (
        'rtt2vec-serve: RTT2VEC_KAFKA_OPTIONS: No such configuration property: "colour"\n'
    )


def test_api_keys_that_are_not_there_are_refused(bundle_dir: Path, tmp_path: Path) -> None:
    done = run("--bundle", bundle_dir, "--api-keys", tmp_path / "keys.toml")
    assert done.returncode == 1
    assert f"{tmp_path / 'keys.toml'}: expected a TOML file of API keys" in done.stderr


def test_events_that_cannot_be_kept_are_said(bundle_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    done = run("--bundle", bundle_dir, "--events", tmp_path / "file")
    assert done.returncode == 1
    assert "file: expected a directory to keep events in, found: " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("workers", [1, 2])
def test_a_limit_of_open_files_that_is_too_low_is_refused(bundle_dir: Path, workers: int) -> None:
    flags = f"--bundle {bundle_dir} --port 0 --workers {workers} --connection-limit 500"
    script = f"ulimit -n 64; exec {COMMAND} {flags}"
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    expected = "expected a limit of at least 200 (700 for RTT2VEC_CONNECTION_LIMIT=500), found 64"
    assert done.stderr == f"rtt2vec-serve: open files: {expected}. Raise it (ulimit -n).\n"


def test_a_port_that_is_taken_is_said(served: Served, bundle_dir: Path) -> None:
    port = served.address[1]
    done = run("--bundle", bundle_dir, "--port", port)
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1, port {port}" in done.stderr


def test_a_setting_that_makes_no_sense_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RTT2VEC_K_LIMIT", "many")
    done = run("--port", -1)
    assert done.returncode == 2
    assert "--port (RTT2VEC_PORT)" in done.stderr
    assert "--k-limit (RTT2VEC_K_LIMIT)" in done.stderr
    assert "found 'many'" in done.stderr


def test_a_misspelt_setting_is_logged(bundle_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RTT2VEC_K_LIMT", "5")
    done = run("--bundle", bundle_dir / "none")
    first = json.loads(done.stderr.splitlines()[0])
    assert first["level"] == "warning"
    assert "RTT2VEC_K_LIMT is ignored" in first["message"]


def test_its_help_teaches() -> None:
    done = run("--help")
    assert done.returncode == 0
    for part in ("--body-limit-bytes", "Bytes a request body may have.", "65536"):
        assert part in done.stdout
