"""The engines: equal tables, which are those that plain Python makes, and equal refusals."""

import resource
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index_builder.transactions.encoding import baskets
from index_builder.transactions.encoding.encoded_tables import read_encoded_tables
from index_builder.transactions.encoding.engines import EngineName, engine_of, polars_engine
from index_builder.transactions.encoding.manifest import EncodedManifest
from index_builder.transactions.errors import (
    DataError,
    EmptyDataError,
    EngineError,
    SharedBasketError,
)
from service.support.extras import ExtraMissingError
from tests.data.odd_shop import Line, encoded, odd_lines, plain_baskets, write_files
from tests.data.transaction_files import csv

NAMES = ("1.csv", "2.parquet", "3.csv")
HEADER = "user_id,basket_id,item_id,timestamp\n"
ENGINES = ("polars", "duckdb")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", range(3))
def test_the_tables_are_those_of_plain_python(engine: str, seed: int, tmp_path: Path) -> None:
    lines = odd_lines(seed)
    encoded(engine, write_files(tmp_path / "shop", lines, NAMES), tmp_path / "out")
    tables = read_encoded_tables(tmp_path / "out")
    items, users = tables.item_ids.to_list(), [*tables.user_ids, None]
    found = tables.baskets
    assert [
        (begun, users[user], [items[code] for code in found.item_code[start:stop]])
        for begun, user, (start, stop) in zip(
            found.begun_us, found.user_code, pairwise(found.indptr), strict=True
        )
    ] == plain_baskets(lines)
    assert items == sorted(items, key=str.encode)
    assert users[:-1] == sorted(users[:-1], key=str.encode)


@pytest.mark.parametrize("at_once", [1, 7, 1000])
def test_baskets_are_in_order_however_few_are_sorted_at_once(
    at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = write_files(tmp_path / "shop", odd_lines(3), NAMES)
    expected = encoded("polars", shop, tmp_path / "one")
    monkeypatch.setattr(baskets, "SORTED_BASKETS", at_once)
    assert encoded("polars", shop, tmp_path / "other") == expected
    tables = read_encoded_tables(tmp_path / "other")
    assert len(set(tables.baskets.begun_us)) < len(tables.baskets)  # some began together


@pytest.mark.parametrize("rows", [1, 50, 1000])
def test_tables_are_the_same_however_few_rows_polars_joins_at_once(
    rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = write_files(tmp_path / "shop", odd_lines(3, 30), NAMES)
    expected = encoded("duckdb", shop, tmp_path / "one")
    monkeypatch.setattr(polars_engine, "PART_ROWS", rows)
    assert encoded("polars", shop, tmp_path / "other") == expected
    assert {"repeated events", "events of another user's basket"} <= expected.summary.dropped.keys()


_TEXTS = st.sampled_from(("a", "a\0", "a\nb", "é", "e\u0301", "\uffff", "\U00010000", "ub", "")) | (
    st.text(max_size=4)
)
_LINES = st.builds(
    Line,
    user=_TEXTS,
    basket=_TEXTS,
    item=_TEXTS,
    moment=st.integers(0, 10**14).map(lambda us: EPOCH + timedelta(microseconds=us))
    | st.sampled_from((EPOCH, EPOCH + timedelta(days=1))),
    quantity=st.sampled_from((1.0, 2.0, 0.5, 0.0, -0.0, -1.0, -3.0, 1e12, 1e-12)),
    event=_TEXTS,
)


@settings(max_examples=8, deadline=None)
@given(st.lists(_LINES, min_size=1, max_size=12))
def test_whatever_the_lines_the_engines_agree(lines: list[Line]) -> None:
    def outcome(engine: str) -> EncodedManifest | str:
        try:
            return encoded(engine, shop, Path(work) / engine)
        except DataError as error:
            return str(error)

    with TemporaryDirectory() as work:
        shop = write_files(Path(work) / "shop", lines, ("1.parquet",))
        assert outcome("polars") == outcome("duckdb")


def test_digests_and_counts_are_equal(tmp_path: Path) -> None:
    shop = write_files(tmp_path / "shop", odd_lines(7), NAMES)
    one, other = (encoded(engine, shop, tmp_path / engine) for engine in ENGINES)
    assert one == other
    assert {"repeated events", "purchases taken back"} <= one.summary.dropped.keys()
    assert one.summary.guest_baskets


def test_digests_do_not_depend_on_how_lines_are_spread_over_files(tmp_path: Path) -> None:
    lines = odd_lines(8)
    one = encoded("polars", write_files(tmp_path / "a", lines, ("1.csv",)), tmp_path / "one")
    three = encoded("polars", write_files(tmp_path / "b", lines, NAMES), tmp_path / "three")
    assert one.digests == three.digests


def test_without_events_the_order_of_lines_does_not_matter(tmp_path: Path) -> None:
    lines = [line for line in odd_lines(9) if not line.event]
    ahead = encoded("duckdb", write_files(tmp_path / "a", lines, NAMES), tmp_path / "ahead")
    back = encoded("duckdb", write_files(tmp_path / "b", lines[::-1], NAMES), tmp_path / "back")
    assert ahead.digests == back.digests


@pytest.mark.parametrize(
    ("error", "lines"),
    [
        (SharedBasketError, "ann,b,milk,2017-12-01\nben,b,tea,2017-12-02\nann,c,tea,2017-12-02\n"),
        (DataError, "ann,b,milk,2017-12-01\nann,c,tea,yesterday\nann,d,tea,1969-01-01\n"),
    ],
)
def test_refusals_are_equal_to_the_letter(
    error: type[DataError], lines: str, tmp_path: Path
) -> None:
    path = csv(tmp_path, HEADER + lines)
    messages = []
    for engine in ENGINES:
        with pytest.raises(error) as caught:
            encoded(engine, path, tmp_path / "out")
        messages.append(str(caught.value))
    assert len(set(messages)) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("engine", ENGINES)
def test_of_many_shared_baskets_the_first_lines_are_shown(engine: str, tmp_path: Path) -> None:
    lines = [f"{user},b{basket},milk,2017-12-01" for basket in range(9) for user in ("ann", "ben")]
    with pytest.raises(SharedBasketError) as caught:
        encoded(engine, csv(tmp_path, HEADER + "\n".join(lines) + "\n"), tmp_path / "out")
    said = str(caught.value).splitlines()
    assert "9 of 9 values of basket_id belong to more than one user" in said[0]
    assert said[1] == "The first of them:"
    assert [line.split()[0] for line in said[3:8]] == ["2", "3", "4", "5", "6"]
    assert said[8].startswith("Where users number their own baskets")


@pytest.mark.parametrize("engine", ENGINES)
def test_returns_alone_are_no_shop(engine: str, tmp_path: Path) -> None:
    path = csv(tmp_path, "user_id,basket_id,item_id,timestamp,quantity\nann,b,milk,2017-12-01,-1\n")
    with pytest.raises(EmptyDataError, match="found cancellations alone"):
        encoded(engine, path, tmp_path / "out")


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file can be larger than 4 KB, as if the disk were full then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_is_an_error_of_the_disk(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    lines = [f"{random.bytes(8).hex()},{number},milk,2017-12-01" for number in range(50)]
    paths = [csv(tmp_path, HEADER + "\n".join(lines) + "\n", f"{part}.csv") for part in "123"]
    for path in paths:
        assert path.stat().st_size < 4096
    with pytest.raises(OSError, match="too large"):
        encoded("polars", tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_engine_that_cannot_go_on_says_why(tmp_path: Path) -> None:
    file = tmp_path / "lines.parquet"
    pl.DataFrame({"place": [1]}).write_parquet(file)
    with engine_of(EngineName.DUCKDB, tmp_path) as engine:
        engine.relation("lines", [file])
        file.unlink()
        with pytest.raises(EngineError, match=r"DuckDB: .*lines\.parquet"):
            list(engine.batches("SELECT place FROM lines"))


def test_a_missing_engine_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = csv(tmp_path, HEADER + "ann,b,milk,2017-12-01\n")
    monkeypatch.setattr("sys.path", [])
    with pytest.raises(ExtraMissingError, match=r"pip install 'rtt2vec\[duckdb\]'"):
        encoded("duckdb", path, tmp_path / "out")
