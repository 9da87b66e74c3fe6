"""Optional dependencies."""

import sys

import pytest

from service.support.extras import ExtraMissingError, need


def test_an_extra_that_is_installed_is_no_matter() -> None:
    need("memcached", "RTT2VEC_MEMCACHED")


def test_one_that_is_missing_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(ExtraMissingError) as error:
        need("tracing", "RTT2VEC_TRACES")
    assert str(error.value) == (
        "RTT2VEC_TRACES needs opentelemetry-sdk. Install it: pip install 'rtt2vec[tracing]'"
    )
