"""What can happen when another bundle becomes current."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from bench.load import Generator
from bench.processes import CORES
from bench.running import SERVE, running
from chaos.outcome import Outcome
from chaos.trial import Trial
from service.bundle import load_bundle
from service.manifest import MANIFEST, Manifest
from service.staging import CURRENT, point_current_at

__all__ = ["built_again", "outcomes"]

_KEY = "the key of the trials"
_AT_MOST_MS = 30


def outcomes(bundle: Path, load: Generator, rate: float, seconds: float) -> Iterator[Outcome]:
    """Have good and bad bundles become current, under load."""
    source = load_bundle(bundle).path
    with TemporaryDirectory() as folder:
        out = Path(folder)
        first, second, damaged = (built_again(source, out, number) for number in range(3))
        (damaged / "item_vectors.npy").write_bytes(b"")
        (out / CURRENT).symlink_to(first.name)

        def roll_back() -> None:
            headers = {"Authorization": f"Bearer {_KEY}"}
            httpx.post(f"{service.url}/admin/rollback", headers=headers).raise_for_status()

        def await_second() -> None:
            while httpx.get(f"{service.url}/health").json()["bundle_id"] != second.name:
                pass

        with running(SERVE, out, {CORES[0]}, flags=("--admin-key", _KEY)) as service:
            trial = Trial(service.url, load, rate, seconds)
            yield trial.outcome(
                "a new bundle", lambda: point_current_at(out, second), await_second, _AT_MOST_MS
            )
            yield trial.outcome("a rollback", roll_back, lambda: None, _AT_MOST_MS)
            yield trial.outcome(
                "a damaged bundle",
                lambda: point_current_at(out, damaged),
                lambda: point_current_at(out, first),
                _AT_MOST_MS,
            )


def built_again(bundle: Path, out: Path, number: int) -> Path:
    """Copy a bundle under another id, as if it had been built again with the same result."""
    manifest = Manifest.decode((bundle / MANIFEST).read_bytes())
    build = {**manifest.build, "built_again": number}
    signed = manifest.model_copy(update={"build": build}).signed()
    copy = out / signed.bundle_id
    shutil.copytree(bundle, copy)
    (copy / MANIFEST).write_bytes(signed.encode())
    return copy
