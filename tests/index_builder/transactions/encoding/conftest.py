"""Encoded tables to spoil or to replace."""

from pathlib import Path

import pytest

from tests.data.odd_shop import encoded, odd_lines, write_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Encoded tables."""
    shop = write_files(tmp_path / "shop", odd_lines(1, 20), ("1.csv",))
    encoded("polars", shop, tmp_path / "encoded")
    return tmp_path / "encoded"
