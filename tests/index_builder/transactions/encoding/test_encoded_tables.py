"""Encoded tables are whole, or refused."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from index_builder.transactions.encoding.digests import Digests
from index_builder.transactions.encoding.encoded_tables import (
    EncodedTables,
    read_encoded_tables,
)
from index_builder.transactions.encoding.manifest import (
    EncodedManifest,
    read_manifest,
    write_manifest,
)
from index_builder.transactions.encoding.schemas import BASKETS_SCHEMA, CODES_SCHEMA
from index_builder.transactions.errors import EncodedTablesError
from tests.data.odd_shop import encoded, odd_lines, write_files

OTHERS: tuple[Any, ...] = (None, 0, -1, 2**70, "", [], {})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], EncodedTables]:
    """The bytes of all files of encoded tables, and what is read from them."""
    work = tmp_path_factory.mktemp("whole")
    encoded("polars", write_files(work / "shop", odd_lines(1, 20), ("1.csv",)), work / "out")
    files = {each.name: each.read_bytes() for each in (work / "out").iterdir()}
    return files, read_encoded_tables(work / "out")


def refusal(folder: Path) -> str:
    with pytest.raises(EncodedTablesError) as caught:
        read_encoded_tables(folder)
    return str(caught.value)


def test_the_summary_is_kept(folder: Path) -> None:
    tables = read_encoded_tables(folder)
    assert tables.summary.baskets == len(tables.baskets)
    assert tables.summary.items == tables.item_ids.len()
    assert tables.summary.rows_kept == tables.baskets.n_lines
    assert tables.summary.source.endswith("shop")


@pytest.mark.parametrize("name", ["item_codes.parquet", "baskets-00000.parquet", "manifest.json"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert name in refusal(folder)


def test_another_value_is_refused_with_its_column(folder: Path) -> None:
    path = folder / "baskets-00000.parquet"
    baskets = pl.read_parquet(path)
    baskets.with_columns(user_code=pl.col("user_code").reverse()).write_parquet(path)
    assert "column baskets.user_code" in refusal(folder)


def test_rows_that_are_gone_are_counted(folder: Path) -> None:
    path = folder / "user_codes.parquet"
    codes = pl.read_parquet(path)
    codes.head(-1).write_parquet(path)
    assert f"expected {codes.height} rows, found {codes.height - 1}" in refusal(folder)


def test_a_damaged_file_is_refused(folder: Path) -> None:
    (folder / "item_codes.parquet").write_bytes(b"PAR1")
    assert "item_codes.parquet: not readable as Parquet" in refusal(folder)


def test_another_version_is_refused_with_the_remedy(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format_version": 1}))
    message = refusal(folder)
    assert "format_version" in message
    assert "rtt2vec-build encode" in message


def edited(manifest: Any) -> Iterator[Any]:
    """Yield the manifest with each of its values gone, and each with another one."""
    keys = list(manifest) if isinstance(manifest, dict) else range(len(manifest))
    for key in keys:
        for other in OTHERS:
            changed = deepcopy(manifest)
            changed[key] = other
            yield changed
        gone = deepcopy(manifest)
        del gone[key]
        yield gone
        if isinstance(manifest[key], dict | list):
            for inner in edited(manifest[key]):
                changed = deepcopy(manifest)
                changed[key] = inner
                yield changed


def test_a_manifest_that_was_edited_is_refused(folder: Path) -> None:
    path = folder / "manifest.json"
    written = json.loads(path.read_text())
    others = [other for other in edited(written) if other != written]
    assert len(others) > 200
    for other in others:
        path.write_text(json.dumps(other))
        assert "rtt2vec-build encode" in refusal(folder)


def test_a_manifest_that_was_edited_and_signed_again_is_refused_or_changes_no_value(
    folder: Path,
) -> None:
    path, tables = folder / "manifest.json", read_encoded_tables(folder)
    written = json.loads(path.read_text())
    counts = dict(written["summary"]) | {"rows_kept": 10**9}
    refusals = []
    for other in (*edited(written), written | {"summary": counts}):
        with suppress(ValidationError):
            other = EncodedManifest.model_validate_json(json.dumps(other)).signed()
            other = other.model_dump(mode="json")
        path.write_text(json.dumps(other))
        try:
            found = read_encoded_tables(folder)
        except EncodedTablesError as error:
            refusals.append(str(error))
        else:
            assert other["digests"] == written["digests"]
            assert found.baskets.item_code.tolist() == tables.baskets.item_code.tolist()
    assert len(refusals) > 100
    assert all("rtt2vec-build encode" in each for each in refusals)


@pytest.mark.parametrize(
    "name", ["../baskets-00000.parquet", "/baskets-00000.parquet", "other.parquet", "baskets-0"]
)
def test_a_manifest_names_files_of_its_folder_alone(name: str, folder: Path) -> None:
    path = folder / "manifest.json"
    facts = json.loads(path.read_text())
    facts["files"][name] = facts["files"].pop("baskets-00000.parquet")
    path.write_text(json.dumps(facts))
    assert name in refusal(folder)


# What another program may write that keeps to the columns alone: its digests are right.
@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("begun_us", [1, 0], "in the order of time"),
        ("user_code", [0, 999], "user codes below"),
        ("user_code", [0, -2], "user codes below"),
        ("user_code", [0, None], "column user_code: expected a value"),
        ("items", [[0], []], "an item in each basket"),
        ("items", [[0], None], "column items: expected a value"),
        ("items", [[0], [1, None]], "column items: expected a value"),
        ("items", [[0], [999]], "item codes below"),
        ("items", [[0], [-1]], "item codes below"),
        ("items", [[0], [1, 1]], "distinct item codes"),
        ("items", [[0], [1, 0]], "ascending within a basket"),
    ],
)
def test_values_that_contradict_each_other_are_refused(
    column: str, values: list[Any], expected: str, folder: Path
) -> None:
    path, manifest = folder / "baskets-00000.parquet", read_manifest(folder)
    rows = pl.read_parquet(path).head(2)
    rows = rows.with_columns(begun_us=0, user_code=0, items=pl.Series([[0, 1], [0]]))
    rows = rows.with_columns(pl.Series(column, values, dtype=rows.schema[column]))
    digests = Digests()
    for name, table in (("baskets", rows), ("item_codes", None), ("user_codes", None)):
        table = pl.read_parquet(folder / f"{name}.parquet") if table is None else table
        schema = BASKETS_SCHEMA if name == "baskets" else CODES_SCHEMA
        with suppress(TypeError, ValueError):  # of nulls there is no digest
            digests.add(name, table.to_arrow().select(schema.names).cast(schema))
    rows.write_parquet(path)
    lines = pq.read_metadata(path).row_group(0).column(3).num_values
    changes = {
        "summary": manifest.summary.model_copy(update={"rows_kept": lines}),
        "files": manifest.files | {path.name: 2},
        "digests": digests.hexadecimal(),
    }
    write_manifest(folder, manifest.model_copy(update=changes).signed())
    assert expected in refusal(folder)


@pytest.mark.parametrize("name", ["manifest.json", "item_codes.parquet", "baskets-00000.parquet"])
def test_a_pipe_in_the_place_of_a_file_is_refused(name: str, folder: Path) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert "rtt2vec-build encode" in refusal(folder)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_is_refused_or_changes_no_value(
    whole: tuple[dict[str, bytes], EncodedTables], data: st.DataObject
) -> None:
    files, tables = whole
    name = data.draw(st.sampled_from(sorted(files)))
    content = bytearray(files[name])
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        del content[place:]
    else:
        content[place] ^= 1 << data.draw(st.integers(0, 7))
    with TemporaryDirectory() as work:
        for each, there in files.items():
            (Path(work) / each).write_bytes(content if each == name else there)
        with suppress(EncodedTablesError):
            found = read_encoded_tables(Path(work))
            assert found.summary == tables.summary
            assert found.item_ids.equals(tables.item_ids)
            assert found.user_ids.equals(tables.user_ids)
            assert found.baskets.item_code.tolist() == tables.baskets.item_code.tolist()


@pytest.mark.parametrize("column", ["code", "id"])
def test_a_column_that_is_gone_is_named(column: str, folder: Path) -> None:
    path = folder / "item_codes.parquet"
    pl.read_parquet(path).drop(column).write_parquet(path)
    assert f"item_codes.parquet: no column {column!r}" in refusal(folder)


def test_the_same_values_may_be_written_in_another_way(folder: Path) -> None:
    before = read_encoded_tables(folder)
    for name, column, kind in (
        ("item_codes", "id", pl.Categorical()),
        ("user_codes", "code", pl.Int64()),
        ("baskets-00000", "items", pl.List(pl.Int64)),
    ):
        path = folder / f"{name}.parquet"
        rows = pl.read_parquet(path).with_columns(pl.col(column).cast(kind))
        rows.select(reversed(rows.columns)).write_parquet(path, row_group_size=3)
    after = read_encoded_tables(folder)
    assert after.item_ids.equals(before.item_ids)
    assert after.baskets.item_code.tolist() == before.baskets.item_code.tolist()


def test_values_of_another_type_are_refused(folder: Path) -> None:
    path = folder / "item_codes.parquet"
    pl.read_parquet(path).with_columns(code="id").write_parquet(path)
    assert "item_codes.parquet: not readable" in refusal(folder)
