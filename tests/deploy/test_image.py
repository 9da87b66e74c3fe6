"""The images: what they are made from is fixed, and they are those that the manifests name."""

import re
import tomllib
from importlib.metadata import requires
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from service.support.extras import Extra
from tools.hashes import BUILD_TOOLS, EXTRAS, requirements

ROOT = Path(__file__).parents[2]
IMAGE = ROOT / "deploy" / "image"
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
INSTALLATION = (IMAGE / "install.sh").read_text().replace("\\\n", " ")
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


def stages() -> dict[str, str]:
    """The text of each stage of the Dockerfile, by its name, in order."""
    parts = re.split(r"^FROM \S+ AS (\S+)$", DOCKERFILE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def targets() -> dict[str, str]:
    """The command that each stage with an entry point runs, by the stage's name."""
    found = {
        name: re.findall(r'^ENTRYPOINT \["(\S+)"\]$', text, re.MULTILINE)
        for name, text in stages().items()
    }
    return {name: entry for name, entries in found.items() for entry in entries}


def test_the_extras_are_those_of_the_service_and_the_builder() -> None:
    assert set(EXTRAS) >= set(get_args(Extra)) - {"spark"} | {"build"}
    given = re.findall(r"\./install\.sh (\S+)", DOCKERFILE)
    assert given == ['"$EXTRAS"', "build,duckdb,excel,memcached"]


def test_the_base_images_are_fixed() -> None:
    (default,) = re.findall(r"^ARG PYTHON=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm@sha256:[0-9a-f]{64}", default)
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert set(bases) == {"${PYTHON}", "sources"}


def test_nothing_is_installed_without_a_hash_or_a_version() -> None:
    installs = re.findall(r"pip install ([^&\n]*)", DOCKERFILE + INSTALLATION)
    assert len(installs) == 2
    assert all("--require-hashes" in each for each in installs)
    assert "--no-build-isolation" in INSTALLATION  # else pip would fetch the newest setuptools
    (debian,) = re.findall(r"apt-get install ([^&\n]*)", DOCKERFILE)
    assert re.fullmatch(r"--yes --no-install-recommends libgomp1=\S+ *", debian)


def test_the_processes_are_no_root_users() -> None:
    for name in targets():
        text = stages()[name]
        assert "USER 10001\n" in text
        assert text.index("USER 10001") < text.index("ENTRYPOINT")


def test_the_service_is_the_default_and_holds_no_builder() -> None:
    assert list(stages())[-1] == "service"
    assert targets() == {"builder": "rtt2vec-build", "service": "rtt2vec-serve"}
    for name in ("sources", "service-packages", "service"):
        assert "index_builder" not in stages()[name]


def test_what_is_copied_is_there_and_not_ignored() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    paths = {path for each in copied for path in each.split()}
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert paths == {each.removeprefix("!") for each in ignored if each.startswith("!")}
    assert all((ROOT / path).exists() for path in paths)
    both = re.findall(r"^COPY --from=(\S+) /venv /venv$", DOCKERFILE, re.MULTILINE)
    assert both == ["builder-packages", "service-packages"]


def builds(text: str) -> dict[str, str]:
    """The target of each image that a text says how to build."""
    return dict(re.findall(r"docker build --tag (\S+) --target (\S+) ", text))


def test_the_images_of_the_manifests_are_targets() -> None:
    documented = builds((ROOT / "docs" / "operations.md").read_text())
    assert documented == builds(DOCKERFILE)
    assert set(documented.values()) == targets().keys()
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    containers = [
        container
        for path in (ROOT / "deploy" / "kubernetes").glob("*.yaml")
        for container in containers_of(yaml.safe_load(path.read_text()))
    ]
    assert {each["image"] for each in containers} == documented.keys()
    for container in containers:
        image = container["image"]
        assert image.endswith(f":{version}")
        command = container.get("command", [targets()[documented[image]]])
        assert command[0] == targets()[documented[image]], container["name"]


def containers_of(part: Any) -> list[dict[str, Any]]:
    """Everything in a manifest that has an image."""
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    found = [each for one in inner for each in containers_of(one)]
    return [*found, part] if isinstance(part, dict) and "image" in part else found


def test_compose_builds_the_service() -> None:
    compose = yaml.safe_load((ROOT / "deploy" / "docker-compose.yml").read_text())
    built = [each["build"] for each in compose["services"].values() if "build" in each]
    assert [each["target"] for each in built] == ["service"]


def test_the_image_with_spark_has_the_version_that_is_tested() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    (version,) = re.findall(r"'pyspark==(\S+)'", page)
    assert pins((ROOT / "constraints.txt").read_text())["pyspark"] == version
