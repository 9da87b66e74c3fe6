"""Ids by row and rows by id, compared with lists and dictionaries."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from service.bundle.ids import Ids
from service.bundle.tables import read_tables, write_tables
from tests.data.tiny_bundle import tiny_contents

# Few letters, so that many ids begin alike; of one to four bytes, and in both orders of encodings:
# UTF-16 puts the last one before the one ahead of it.
texts = st.text("ab\x00ü€\uffee🛒", max_size=4)
columns = st.lists(texts, max_size=30)


@given(st.lists(texts, max_size=30, unique=True), texts)
def test_a_row_is_found_by_its_id_in_any_order(column: list[str], other: str) -> None:
    for order in (column, sorted(column, key=str.encode)):
        ids = Ids.of(order)
        assert [ids.row(each) for each in order] == list(range(len(order)))
        assert ids.row(other) == (order.index(other) if other in order else None)
        assert (other in ids) == (other in order)


@given(columns)
def test_repeated_ids_are_counted(column: list[str]) -> None:
    assert Ids.of(column).repeated == len(column) - len(set(column))


@given(columns, texts, st.integers(0, 40))
def test_rows_are_found_by_parts_of_ids(column: list[str], part: str, most: int) -> None:
    ids, rows = Ids.of(column), range(len(column))
    assert ids.containing(part, most) == [r for r in rows if part in column[r]][:most]
    assert ids.beginning_with(part, most) == [r for r in rows if column[r].startswith(part)][:most]


@given(columns, st.integers(-35, 35), st.integers(-35, 35))
def test_ids_are_read_like_a_list(column: list[str], start: int, stop: int) -> None:
    ids = Ids.of(column)
    assert list(ids) == column == ids
    assert ids[start:stop] == column[start:stop]
    assert [ids[row] for row in range(-len(column), len(column))] == column * 2
    assert (ids == column[:-1]) == (not column)
    assert Ids.of(ids) is ids


def test_half_of_a_surrogate_pair_is_no_id() -> None:
    ids = Ids.of(["🛒", "a"])
    assert ids.row("\ud83d") is None
    assert ids.containing("\ud83d", 9) == []


@given(columns, st.integers(0, 30))
def test_a_part_of_a_column_stands_by_itself(column: list[str], start: int) -> None:
    part = Ids(Ids.of(column).column[start:])
    assert part == column[start:]
    assert [part[part.row(each) or 0] for each in column[start:]] == column[start:]


def test_mapped_ids_outlive_their_file(tmp_path: Path) -> None:
    users = [f"user-{number:05}" for number in range(70_000)]  # more than become strings at once
    write_tables(tmp_path, tiny_contents().catalogue, users)
    _, ids = read_tables(tmp_path)
    (tmp_path / "users.arrow").unlink()
    assert ids.row("user-54321") == 54_321
    assert list(ids) == users
