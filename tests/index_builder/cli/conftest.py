"""A bundle of the tiny shop, built by the real command in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from service.bundle.bundle import load_bundle

COMMAND = Path(sys.executable).parent / "rtt2vec-build"
QUICK = ("--dimension", "8", "--epochs", "2", "--threads", "1", "--backend", "exact")
CUT = "2017-11-20"


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory, shop_files: tuple[Path, Path]) -> Path:
    """A directory with a bundle of the tiny shop's baskets before the cut, by the real command."""
    out = tmp_path_factory.mktemp("bundles")
    transactions, products = shop_files
    shop = ("--transactions", transactions, "--products", products)
    done = subprocess.run(
        [COMMAND, *shop, "--out", out, "--until", CUT, *QUICK],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""  # progress is not the answer
    bundle = load_bundle(out)
    last = done.stderr.splitlines()[-1]
    assert last == f"✓ {bundle.path} is current: rtt2vec-serve --bundle {out}"
    return out
