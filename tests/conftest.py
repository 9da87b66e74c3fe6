"""What holds for every test."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

# The same examples on every machine, however busy it is. To look for new ones:
# pytest --hypothesis-profile=default
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    """Hides the RTT2VEC_… variables of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("RTT2VEC_")]:
            patch.delenv(name)
        yield
