"""Secrets are shown nowhere: not in complaints, the log, the answers, --help or a traceback."""

import json
import os
import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from service.settings import Settings
from tests.service.conftest import COMMAND, Served

MARKER = "marker-of-a-secret"
SETTINGS = {
    "RTT2VEC_ADMIN_KEY": MARKER,
    "RTT2VEC_KAFKA_OPTIONS": json.dumps({"sasl.password": MARKER}),
}


def run(bundle_dir: Path, *flags: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [COMMAND, "--bundle", bundle_dir, "--port", "0", *flags],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_settings_that_can_hold_secrets_are_marked() -> None:
    fields = Settings.model_fields
    hidden = {name for name, field in fields.items() if not field.repr}
    assert hidden == {"admin_key", "kafka", "kafka_options", "memcached", "traces"}
    assert {n for n, field in fields.items() if "SecretStr" in str(field.annotation)} <= hidden


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("RTT2VEC_ADMIN_KEY", f" {MARKER}"),
        ("RTT2VEC_ADMIN_KEY", MARKER[:15]),
        ("RTT2VEC_KAFKA", f"user:{MARKER}@host:9092"),
        ("RTT2VEC_KAFKA", f"host:9092,{MARKER}"),
        ("RTT2VEC_KAFKA_OPTIONS", MARKER),
        ("RTT2VEC_KAFKA_OPTIONS", f'{{"sasl.password": "{MARKER}"'),
        ("RTT2VEC_KAFKA_OPTIONS", f'["{MARKER}"]'),
        ("RTT2VEC_KAFKA_OPTIONS", f'{{"sasl.password": ["{MARKER}"]}}'),
        ("RTT2VEC_KAFKA_OPTIONS", f'{{"{MARKER}": 5}}'),
        ("RTT2VEC_MEMCACHED", f"user:{MARKER}@host:11211"),
        ("RTT2VEC_MEMCACHED", f"memcached://user:{MARKER}@host"),
        ("RTT2VEC_TRACES", f"http://user:{MARKER}@host:4318"),
        ("RTT2VEC_TRACES", MARKER),
    ],
)
def test_a_complaint_names_the_variable_and_not_the_value(
    bundle_dir: Path, variable: str, value: str
) -> None:
    for flags, variables in (
        ([], {variable: value}),
        ([f"--{variable.removeprefix('RTT2VEC_').lower().replace('_', '-')}", value], {}),
    ):
        done = run(bundle_dir, *flags, **variables)
        assert done.returncode == 2
        assert f"({variable}): expected " in done.stderr
        assert MARKER[:15] not in done.stderr + done.stdout
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("option", ["security.protocol", "auto.offset.reset", "ssl.ca.location"])
def test_a_complaint_of_the_kafka_client_does_not_repeat_a_value(
    bundle_dir: Path, tmp_path: Path, option: str
) -> None:
    options = json.dumps({"security.protocol": "SSL", option: MARKER})
    variables = {"RTT2VEC_KAFKA": "127.0.0.1:1", "RTT2VEC_KAFKA_OPTIONS": options}
    done = run(bundle_dir, "--events", str(tmp_path), **variables)
    assert done.returncode == 1
    assert "RTT2VEC_KAFKA_OPTIONS: " in done.stderr
    assert MARKER not in done.stderr


def test_help_does_not_show_what_is_set(bundle_dir: Path) -> None:
    assert MARKER not in run(bundle_dir, "--help", **SETTINGS).stdout


def test_settings_do_not_show_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in SETTINGS.items():
        monkeypatch.setenv(variable, value)
    settings = Settings()
    assert settings.kafka_options == {"sasl.password": SecretStr(MARKER)}
    assert MARKER not in f"{settings!r} {settings} {settings.model_dump()}"


def test_a_service_does_not_show_them(serve: Callable[..., Served], tmp_path: Path) -> None:
    key = f"{MARKER}-of-the-file"
    digest = sha256(key.encode()).hexdigest()
    keys = f'[[keys]]\nname = "shop"\nsha256 = "{digest}"\nscopes = ["recommend", "events"]\n'
    (tmp_path / "keys.toml").write_text(keys)
    options = {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "shop",
        "sasl.password": MARKER,
        "debug": "all",
    }
    served = serve(
        *("--admin-key", MARKER, "--api-keys", str(tmp_path / "keys.toml")),
        *("--events", str(tmp_path), "--kafka", "127.0.0.1:1"),
        *("--kafka-options", json.dumps(options), "--log-level", "debug"),
    )
    shown = [served.line]
    with httpx.Client(base_url=served.url) as client:
        for sent in (MARKER, key, f"{MARKER}, which is wrong"):
            headers = {"Authorization": f"Bearer {sent}", "X-Request-ID": "a"}
            for method, path in (
                *(("GET", path) for path in ("/health", "/health/ready", "/metrics", "/docs")),
                *(("GET", path) for path in ("/openapi.json", f"/{sent}", "/users/a/profile")),
                *(("POST", path) for path in ("/recommend", "/events", "/rules/test")),
                *(("POST", path) for path in ("/admin/reload", "/admin/rollback")),
            ):
                answer = client.request(method, path, headers=headers, json={})
                shown.append(f"{answer.headers} {answer.text}".replace(f"GET /{sent}", ""))
    served.process.terminate()
    served.process.wait()
    assert MARKER not in "".join(shown)
    assert MARKER not in served.log.read_text()
