"""Commands that see a disk of their own, as full or as closed as a test needs it."""

import os
import subprocess
from pathlib import Path

import pytest

_MOUNT = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]


def run_on_a_disk(
    options: str, folder: Path, *command: object, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command that finds a disk in place of a folder; skips where none can be mounted.

    Args:
        options: of the disk, as `mount` has them for a tmpfs.
        folder: where it is.
        command: to be run to its end.
        environment: variables, beside those of this process.
    """
    mount = [*_MOUNT, f'mount -t tmpfs -o {options} none "$0" && exec "$@"', str(folder)]
    tried = subprocess.run([*mount, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:  # many containers forbid it, also to root
        pytest.skip(f"the system allows no mount of one's own: {tried.stderr.strip()}")
    return subprocess.run(
        [*mount, *map(str, command)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
