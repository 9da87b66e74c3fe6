"""docker-compose.yml: valid by the schema of Compose, and it fits the repository."""

import re
import subprocess
import sys
import tomllib
from typing import Any

import pytest
import yaml

from service.settings import Settings
from tests.data.queries import DEPLOY

PATH = DEPLOY / "docker-compose.yml"
ROOT = DEPLOY.parent


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(PATH.read_text())["services"]
    return found


def test_the_schema_of_compose_holds() -> None:
    schema = ("--builtin-schema", "vendor.compose-spec")
    command = [sys.executable, "-m", "check_jsonschema", *schema, str(PATH)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_settings_exist(services: dict[str, Any]) -> None:
    given = services["rtt2vec"]["environment"]
    known = {f"RTT2VEC_{name.upper()}" for name in Settings.model_fields}
    assert given.keys() <= known


def test_the_image_gets_extras_that_exist(services: dict[str, Any]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = services["rtt2vec"]["build"]["args"]["EXTRAS"].split(",")
    assert project["optional-dependencies"].keys() >= set(extras)


def test_mounted_files_exist(services: dict[str, Any]) -> None:
    named = yaml.safe_load(PATH.read_text())["volumes"]
    for service in services.values():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert source in named or source == "../bundles" or (DEPLOY / source).is_dir(), volume


def test_images_are_pinned_and_ports_are_local(services: dict[str, Any]) -> None:
    for service in services.values():
        assert "build" in service or re.search(r":v?\d+\.\d+\.\d+", service["image"])
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_containers_cannot_do_more_than_they_must(services: dict[str, Any]) -> None:
    assert [name for name, service in services.items() if not service["read_only"]] == ["kafka"]
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert int(service["user"]) > 0, name
        assert not service.keys() & {"cap_add", "privileged", "network_mode", "pid", "ipc"}, name
