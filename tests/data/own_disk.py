"""Commands that see a small disk of their own, which they may fill.

No limit of a process does what a full disk does: a file still grows there, and to write to the part
that has no room ends the process (SIGBUS). Mounting one needs a permission of the kernel, which
many containers withhold, also from root, and no package can bring. There, and only there, these
tests are skipped, each with the kernel's reason in the summary of the run; CI may mount.
"""

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
    if tried.returncode:
        pytest.skip(f"the system allows no mount of one's own: {tried.stderr.strip()}")
    return subprocess.run(
        [*mount, *map(str, command)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
