"""The image: what it is made from is fixed, by digest, hash or version."""

import re
from importlib.metadata import requires
from pathlib import Path
from typing import get_args

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from service.support.extras import Extra
from tools.hashes import BUILD_TOOLS, EXTRAS, requirements

ROOT = Path(__file__).parents[2]
IMAGE = ROOT / "deploy" / "image"
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
HASHES = r"(?:    --hash=sha256:[0-9a-f]{64})+$"


def pins(text: str) -> dict[str, str]:
    """The version of each package, by its normalised name."""
    split = [line.partition("==") for line in text.splitlines() if not line.startswith("#")]
    return {canonicalize_name(name): version for name, _, version in split}


def hashed(name: str) -> dict[str, str]:
    """The same of a file in which each pin has hashes."""
    text = (IMAGE / name).read_text().replace(" \\\n", "")
    bare, with_hashes = re.subn(HASHES, "", text, flags=re.MULTILINE)
    found = pins(bare)
    assert len(found) == with_hashes
    return found


def needed(wanted: list[str]) -> set[str]:
    """The packages that some requirements need in the image, themselves included."""
    image = {"python_version": "3.11", "python_full_version": "3.11.15"}
    found: set[tuple[str, frozenset[str]]] = set()
    open_ = [Requirement(each) for each in wanted]
    while open_:
        one = open_.pop()
        key = canonicalize_name(one.name), frozenset(one.extras)
        if key in found:
            continue
        found.add(key)
        for each in map(Requirement, requires(one.name) or ()):
            extras = ("", *one.extras)
            if each.marker is None or any(
                each.marker.evaluate(image | {"extra": extra}) for extra in extras
            ):
                open_.append(each)
    return {name for name, _ in found}


@pytest.mark.parametrize("name", ["build_tools.txt", "packages.txt"])
def test_versions_are_those_of_the_constraints(name: str) -> None:
    constraints = pins((ROOT / "constraints.txt").read_text())
    for package, version in hashed(name).items():
        assert constraints[package] == version, package


def test_all_that_the_service_needs_has_hashes() -> None:
    applying = [each for each in requirements() if applies(Requirement(each))]
    assert needed(applying) == hashed("packages.txt").keys()
    assert set(BUILD_TOOLS) == hashed("build_tools.txt").keys()


def applies(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate()


def test_the_extras_are_those_of_the_service() -> None:
    only_the_builders = {"duckdb", "excel", "spark"}
    assert set(EXTRAS) >= set(get_args(Extra)) - only_the_builders


def test_the_base_image_is_fixed() -> None:
    (default,) = re.findall(r"^ARG PYTHON=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm@sha256:[0-9a-f]{64}", default)
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert set(bases) == {"${PYTHON}"}


def test_pip_installs_nothing_without_a_hash() -> None:
    installs = re.findall(r"pip install ([^&\n]*)", DOCKERFILE)
    assert len(installs) == 2
    assert all("--require-hashes" in each for each in installs)
    assert "--no-build-isolation" in DOCKERFILE  # else pip would fetch the newest setuptools


def test_the_process_is_no_root_user() -> None:
    _, last = DOCKERFILE.rsplit("FROM", 1)
    assert "USER 10001\n" in last
    assert last.index("USER 10001") < last.index("ENTRYPOINT")
