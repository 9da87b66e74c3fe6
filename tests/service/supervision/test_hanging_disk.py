"""A disk that does not answer, as a function that does not return, and a service that ends."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import time

import httpx
import pytest

CODE = """
import sys, time
from pathlib import Path
from {module} import {function}
import {module} as module
from service.cli.main import main

def hang(*arguments):
    while Path({flag!r}).exists():
        time.sleep(0.1)
    return {function}(*arguments)

module.{function} = hang
main(sys.argv[1:])
"""
LOOKS = {
    "rules": ("service.business_rules.files", "signature"),
    "bundles": ("service.serving.swap", "sight"),
}


@contextmanager
def serving(
    tmp_path: Path, bundle_dir: Path, flag: Path, looks: str
) -> Iterator[tuple[subprocess.Popen[str], str, Path]]:
    """A service whose looks at these files hang while there is a file `flag`."""
    module, function = LOOKS[looks]
    code = CODE.format(module=module, function=function, flag=str(flag))
    (rules := tmp_path / "rules.yaml").write_text("rules: []")
    flags = ["--bundle", str(bundle_dir), "--port", "0", "--rules", str(rules)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RTT2VEC_")}
    with (
        (log := tmp_path / "log").open("w") as errors,
        subprocess.Popen(
            [sys.executable, "-c", code, *flags],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment,
        ) as process,
    ):
        assert process.stdout is not None
        yield process, process.stdout.readline().split()[2].rstrip("."), log
        process.kill()


@pytest.mark.parametrize("looks", LOOKS)
def test_it_ends_while_a_disk_hangs(tmp_path: Path, bundle_dir: Path, looks: str) -> None:
    with serving(tmp_path, bundle_dir, flag := tmp_path / "hangs", looks) as (process, url, _):
        flag.touch()
        ages = [age(url, looks)]
        while ages[-1] < 3:  # seconds, in which it would have looked thrice
            ages.append(age(url, looks))
        assert httpx.post(f"{url}/recommend", json={}).status_code == 200
        process.terminate()
        assert process.wait() == 0


def age(url: str, looks: str) -> float:
    """Seconds since the last look, by the service's own metrics."""
    lines = httpx.get(f"{url}/metrics").text.splitlines()
    name = f'rtt2vec_last_look_timestamp_seconds{{files="{looks}"}} '
    (looked,) = [float(line.removeprefix(name)) for line in lines if line.startswith(name)]
    return time() - looked


def test_rules_whose_disk_hangs_are_told_and_read_once_it_answers(
    tmp_path: Path, bundle_dir: Path
) -> None:
    with serving(tmp_path, bundle_dir, flag := tmp_path / "hangs", "rules") as (_, url, log):
        flag.touch()
        while "no answer within 5 s" not in log.read_text():
            pass
        assert httpx.post(f"{url}/recommend", json={}).status_code == 200
        flag.unlink()
        while "reloaded" not in log.read_text():
            pass
