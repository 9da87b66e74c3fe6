"""The tables of items and users: what is written is read back, and contradictions are refused."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.bundle.catalogue import Catalogue
from service.bundle.errors import BundleInvalidError
from service.bundle.ids import Ids
from service.bundle.tables import check_lengths, check_tables, read_tables, write_tables

SHELF = Catalogue(["1", "2"], ["Tea", ""], ["DRINKS"] * 2, ["TEA", "COFFEE"], ["", "BEANS"])

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
column = st.lists(texts, min_size=5, max_size=5)
prices = st.lists(st.none() | st.floats(0, 1e9), min_size=5, max_size=5)
KINDS = {field.name: prices if field.name == "prices" else column for field in fields(Catalogue)}
OPTIONAL = ("brands", "prices", "more_categories", "groups")
catalogues = st.builds(
    Catalogue,
    **{name: st.none() | kind if name in OPTIONAL else kind for name, kind in KINDS.items()},
)


@settings(deadline=None)
@given(catalogue=catalogues, users=st.lists(texts))
def test_any_text_survives(
    tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue, users: list[str]
) -> None:
    directory = tmp_path_factory.mktemp("tables")
    write_tables(directory, catalogue, users)
    assert read_tables(directory) == (catalogue, Ids.of(users))


def test_equal_names_share_their_memory(tmp_path: Path) -> None:
    write_tables(tmp_path, SHELF, [])
    catalogue, _ = read_tables(tmp_path)
    assert catalogue.departments[0] is catalogue.departments[1]


@pytest.mark.parametrize(
    ("file", "change", "found"),
    [
        ("items.arrow", {"name": None}, "'name'"),
        ("users.arrow", {"user_id": None}, "'user_id'"),
        ("users.arrow", {"user_id": pa.array([1, 2])}, "user_id: expected string, found int64"),
        ("items.arrow", {"price": pa.array(["1", "2"])}, "price: expected double, found string"),
    ],
)
def test_columns_that_are_lacking_or_of_another_kind(
    tmp_path: Path, file: str, change: dict[str, Any], found: str
) -> None:
    write_tables(tmp_path, SHELF, ["a", "b"])
    with pa.OSFile(str(tmp_path / file)) as source:
        columns = pa.ipc.open_file(source).read_all().to_pydict() | change
    table = pa.table({name: values for name, values in columns.items() if values is not None})
    with pa.OSFile(str(tmp_path / file), "wb") as sink, pa.ipc.new_file(sink, table.schema) as out:
        out.write_table(table)
    with pytest.raises(BundleInvalidError, match=f"tables items.arrow and users.arrow, .*{found}"):
        read_tables(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"item_ids": ["1", "1"]}, "items.arrow: expected distinct ids, found 1 repeated"),
        ({"names": ["one"]}, "items.arrow, names: expected 2, found 1"),
        ({"brands": ["one"]}, "items.arrow, brands: expected 2, found 1"),
        ({"prices": [1.0]}, "items.arrow, prices: expected 2, found 1"),
        ({"prices": [None, -0.5]}, "items.arrow, prices: expected none below 0, found -0.5"),
        ({"prices": [float("nan"), 1.0]}, "items.arrow, prices: expected none below 0, found nan"),
        ({"prices": [float("inf"), 1.0]}, "items.arrow, prices: expected none below 0, found inf"),
    ],
)
def test_a_catalogue_that_contradicts_itself(change: dict[str, Any], message: str) -> None:
    check_tables(SHELF, ["a", "b"])
    with pytest.raises(BundleInvalidError, match=message):
        check_tables(replace(SHELF, **change), ["a", "b"])


def test_users_that_are_there_twice() -> None:
    with pytest.raises(BundleInvalidError, match=r"users\.arrow: .*distinct ids, found 2 repeated"):
        check_tables(SHELF, ["a", "b", "a", "a"])


@pytest.mark.parametrize(
    ("change", "kind"),
    [({"item_ids": ["1234", "5"]}, "item id"), ({"categories": ["", "1234"]}, "category")],
)
def test_names_that_no_request_can_repeat(change: dict[str, Any], kind: str) -> None:
    short = Catalogue(["1", "2"], ["Tea", "Coffee"], ["D"] * 2, ["T", "C"], [""] * 2)
    long = replace(short, **change)
    check_lengths(long, 4)
    with pytest.raises(BundleInvalidError, match=f"no {kind} of more than 3 .*found one of 4"):
        check_lengths(long, 3)
