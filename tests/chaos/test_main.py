"""`python -m chaos` on a tiny shop, with as little load as possible."""

import json
import re
import subprocess
import sys
from pathlib import Path

from service.bundle.bundle import write_bundle
from tests.data.tiny_bundle import N_USERS, tiny_contents


def test_every_fault_is_done_and_no_request_fails(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "bundles", tiny_contents())
    bodies = ({"user_id": f"user-{user}", "basket": ["item-2"]} for user in range(N_USERS))
    requests = tmp_path / "requests.jsonl"
    requests.write_text("".join(f"{json.dumps(body)}\n" for body in bodies) * 4)
    load = ("--rate", "50", "--seconds", "0.3", "--swaps", "4")
    asked = ("--bundle", bundle, "--requests", requests, *load)
    done = subprocess.run(
        [sys.executable, "-m", "chaos", *asked],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line.split("│")[1:-1] for line in done.stdout.splitlines() if line.startswith("│")]
    cells = [[cell.strip() for cell in line] for line in lines]
    killed = "workers are killed (-9)"
    failed = {fault: failed for fault, _, _, failed, *_ in cells if fault != killed}
    assert failed == {
        "one memcached of three is gone": "0",
        "all are dead": "0",
        "all restart empty": "0",
        "all are full": "0",
        "memcached takes 500 ms": "0",
        "it answers garbage": "0",
        "it damages all values": "0",
        "the disk is full": "0",
        "the journal is locked": "0",
        "the brokers are halted": "0",
        "a new bundle": "0",
        "a rollback": "0",
        "a damaged bundle": "0",
        "4 new bundles in a row": "0",
        "a worker dies, its rules are broken": "0",
        "a worker dies, its bundle is away": "0",
        "a worker dies, its keys are broken": "0",
        "a bundle is copied over": "0",
        "the supervisor is killed (-9)": "0",
        "3 times capacity": "0",
        "150 callers without a key": "0",
        "200 bodies without an end": "0",
        "200 clients never read": "0",
        "200 trailers without an end": "0",
    }, done.stderr
    counted = [(lost, doubled) for *_, lost, doubled, _survived in cells if lost != "-"]
    assert counted == [("0", "0")] * 4
    assert re.search(r"[1-9]\d* killed, [1-9].* events, .*, 0 profiles miscounted", done.stdout)
