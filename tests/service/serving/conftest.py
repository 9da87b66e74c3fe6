"""A directory of bundles."""

from pathlib import Path

import pytest

from tests.data.daily_bundles import publish


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A directory whose current bundle is that of day 1."""
    publish(tmp_path, 1)
    return tmp_path
