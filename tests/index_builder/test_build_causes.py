"""What decides which bundle a build writes, and what does not."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.data.tiny_shop import FIRST, lines
from tests.index_builder.conftest import built, changed

CUT = FIRST + timedelta(days=60)


def contents_of(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of the quick configuration, from the baskets before the cut."""
    return built(tmp_path_factory.mktemp("reference") / "out", until=CUT)


@pytest.mark.parametrize("backend", ["exact", "faiss"])
def test_the_same_build_again_is_the_same_to_the_byte(tmp_path: Path, backend: str) -> None:
    config = changed(index={"backend": backend})
    first, second = (built(tmp_path / name / "out", config=config) for name in "ab")
    assert first.name == second.name
    assert contents_of(first) == contents_of(second)


Change = Callable[[pl.DataFrame], pl.DataFrame]


def future() -> pl.DataFrame:
    """Baskets after the cut that would turn everything upside down."""
    later = lines().filter(pl.col("timestamp") >= CUT)
    return later.with_columns(
        user_id=pl.when(pl.col("user_id") == "user-0")
        .then(pl.lit("somebody new"))
        .otherwise("user_id"),
        item_id=pl.when(pl.col("item_id") == "item-7")
        .then(pl.lit("something new"))
        .otherwise(pl.lit("item-7")),
    )


PAST = pl.col("timestamp") < CUT
WITHOUT_INFLUENCE: dict[str, Change] = {
    "rows in another order": lambda table: table.sample(fraction=1, shuffle=True, seed=1),
    "rows twice": lambda table: pl.concat([table, table]),
    "columns in another order": lambda table: table.select(reversed(table.columns)),
    "no future": lambda table: table.filter(PAST),
    "another future": lambda table: pl.concat([table.filter(PAST), future()]),
    "a basket at the very cut": lambda table: pl.concat(
        [table.filter(PAST), future().with_columns(timestamp=pl.lit(CUT))]
    ),
}


@pytest.mark.parametrize("change", WITHOUT_INFLUENCE)
def test_what_has_no_influence(tmp_path: Path, reference: Path, change: str) -> None:
    table = WITHOUT_INFLUENCE[change](lines())
    assert not table.equals(lines())
    assert built(tmp_path / "out", table, until=CUT).name == reference.name


def test_the_environment_of_a_service_has_none_either(
    tmp_path: Path, reference: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RTT2VEC_CATEGORY_CAP", "1")
    monkeypatch.setenv("RTT2VEC_MMR_LAMBDA", "not a number")
    assert built(tmp_path / "out", until=CUT).name == reference.name


INFLUENCE: dict[str, dict[str, Any]] = {
    "seed": {"config": changed(seed=2)},
    "dimension": {"config": changed(dimension=9)},
    "half-life": {"config": changed(recency_half_life_days=5.0)},
    "cut": {"until": CUT + timedelta(days=3)},
    "past": {"table": lines().filter(pl.col("basket_id") != "b0003")},
}


@pytest.mark.parametrize("cause", INFLUENCE)
def test_other_settings_give_another_bundle(tmp_path: Path, reference: Path, cause: str) -> None:
    assert built(tmp_path / "out", **{"until": CUT, **INFLUENCE[cause]}).name != reference.name
