"""Write deploy/image/: the packages that the images may install, with the hashes of their wheels.

Versions come from constraints.txt. The package index is only asked, nothing is installed:
`python -m tools.hashes`, or `make hashes`.
"""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "deploy" / "image"
BUILD_TOOLS = ("pip", "setuptools")
EXTRAS = ("build", "duckdb", "excel", "kafka", "limits", "memcached", "nmslib", "tracing")

_MACHINES = ("x86_64", "aarch64")
_PYTHON = "3.11"  # of the image
_GLIBC = range(17, 37)  # 2.17 to 2.36, which Debian bookworm has


def main() -> None:
    """Write both files."""
    _write("build_tools.txt", BUILD_TOOLS)
    _write("packages.txt", requirements())


def requirements() -> list[str]:
    """Return what service and builder need, their extras included, as pyproject.toml states it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [each for extra in EXTRAS for each in project["optional-dependencies"][extra]]
    return [*project["dependencies"], *extras]


def _write(name: str, wanted: tuple[str, ...] | list[str]) -> None:
    hashes: dict[str, set[str]] = {}
    for machine in _MACHINES:
        for package in _resolve(machine, wanted):
            pin = f"{package['metadata']['name']}=={package['metadata']['version']}"
            digest = package["download_info"]["archive_info"]["hashes"]["sha256"]
            hashes.setdefault(pin, set()).add(f"--hash=sha256:{digest}")
    lines = [f"# Written by `make hashes`, for {' and '.join(_MACHINES)}."]
    lines += [
        " \\\n    ".join([pin, *sorted(hashes[pin])]) for pin in sorted(hashes, key=str.lower)
    ]
    (FOLDER / name).write_text("\n".join(lines) + "\n")


def _resolve(machine: str, wanted: tuple[str, ...] | list[str]) -> list[Any]:
    """Return pip's report on each package that the images for this machine need."""
    tags = [f"manylinux_2_{minor}_{machine}" for minor in _GLIBC] + [f"manylinux2014_{machine}"]
    options = ["--dry-run", "--ignore-installed", "--quiet", "--report=-", "--only-binary=:all:"]
    options += ["--target=unused", f"--python-version={_PYTHON}", "--constraint=constraints.txt"]
    options += [f"--platform={tag}" for tag in tags]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, *wanted],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    installed: list[Any] = json.loads(done.stdout)["install"]
    return installed


if __name__ == "__main__":
    main()
