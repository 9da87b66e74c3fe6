"""Kept lines: an encoding that goes on from the one before is one of all files."""

import json
import os
import time
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import Mock

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index_builder.cli.main import app
from index_builder.transactions.encoding.kept_lines import LINES, KeptLines, Origin
from index_builder.transactions.encoding.lines import CheckedLines
from index_builder.transactions.encoding.manifest import EncodedManifest, read_manifest
from index_builder.transactions.errors import DataError, SharedBasketError
from index_builder.transactions.line_files import read_line_file, read_lines
from index_builder.transactions.tables import Table
from tests.data.odd_shop import OPTIONS, READING, encoded, odd_lines, write_files

NAMES = ("1.csv", "2.parquet", "3.csv", "4.parquet")
_SECONDS = count(1_600_000_000)  # each file is changed at another time, long ago


def again(shop: Path, out: Path, *options: str) -> EncodedManifest:
    command = ["encode", "--transactions", str(shop), "--out", str(out), *OPTIONS, *options]
    app(command, standalone_mode=False)
    return read_manifest(out)


def settle(*files: Path) -> None:
    for file in files:
        moment = next(_SECONDS) * 10**9
        os.utime(file, ns=(moment, moment))


def spoil(file: Path) -> None:
    """Make a file unreadable that looks as if nothing had happened to it."""
    seen = file.stat()
    file.write_bytes(b"\xff" * seen.st_size)
    os.utime(file, ns=(seen.st_mtime_ns, seen.st_mtime_ns))


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = write_files(tmp_path / "shop", odd_lines(1, 60), NAMES)
    settle(*folder.iterdir())
    return folder


@settings(max_examples=8, deadline=None)
@given(
    st.lists(
        st.dictionaries(st.sampled_from(NAMES), st.integers(0, 9) | st.none(), min_size=1),
        min_size=2,
        max_size=4,
    )
)
def test_it_equals_one_of_all_files(steps: list[dict[str, int | None]]) -> None:
    """Files come, are changed and go; then those of the step are as a new encoding reads them."""
    with TemporaryDirectory() as name:
        work, shop = Path(name), Path(name) / "shop"
        write_files(shop, odd_lines(0, 10), ("5.csv",))
        settle(shop / "5.csv")
        for step in steps:
            for file, seed in step.items():
                (shop / file).unlink(missing_ok=True)
                if seed is not None:
                    written = write_files(work / "some", odd_lines(seed, 12), (file,)) / file
                    settle(written)
                    written.rename(shop / file)
                    (work / "some").rmdir()
            assert outcome(shop, work / "out", fresh=False) == outcome(
                shop, work / "new", fresh=True
            )


def outcome(shop: Path, out: Path, fresh: bool) -> EncodedManifest | str:
    """The manifest, or the refusal: baskets of two seeds may be of two users."""
    try:
        return encoded("polars", shop, out) if fresh else again(shop, out)
    except DataError as error:
        return str(error)


def test_files_that_were_read_are_not_read_again(shop: Path, tmp_path: Path) -> None:
    before = again(shop, tmp_path / "out")
    for file in shop.iterdir():
        spoil(file)
    assert again(shop, tmp_path / "out") == before
    assert again(shop, tmp_path / "out") == before  # what was taken can be taken again


def test_the_new_file_alone_is_read(shop: Path, tmp_path: Path) -> None:
    first = write_files(tmp_path / "first", odd_lines(2, 12), ("0.csv",)) / "0.csv"
    settle(first)
    again(shop, tmp_path / "out")
    (shop / "0.csv").write_bytes(first.read_bytes())
    settle(shop / "0.csv")
    expected = encoded("polars", shop, tmp_path / "new")
    for name in NAMES:
        spoil(shop / name)
    assert again(shop, tmp_path / "out") == expected


def test_folders_may_have_names_that_look_like_patterns(tmp_path: Path) -> None:
    shop = tmp_path / "shop [1]"
    shop.mkdir()
    header = "user_id,basket_id,item_id,timestamp\n"
    lines = [f"crowd,c{basket},milk,2017-12-01\n" for basket in range(200)]
    lines += [f"u{user},b{user},milk,2017-12-01\n" for user in range(20)]
    (shop / "1.csv").write_text(header + "".join(lines))
    (shop / "2.csv").write_text(header + "ann,a,tea,2017-12-02\n")
    settle(shop / "1.csv", shop / "2.csv")
    before = again(shop, tmp_path / "out [1]")
    assert "are of one user" in before.summary.notices[-1].text
    (shop / "0.csv").write_text(header + "ben,b,tea,2017-12-02\n")
    settle(shop / "0.csv")
    assert again(shop, tmp_path / "out [1]") == again(shop, tmp_path / "new")


@pytest.mark.parametrize("options", [("--afresh",), ("--timezone", "Asia/Tokyo")])
def test_all_are_read_again_if_asked_or_in_another_way(
    options: tuple[str, ...], shop: Path, tmp_path: Path
) -> None:
    again(shop, tmp_path / "out")
    spoil(shop / "1.csv")
    with pytest.raises(DataError, match=r"1\.csv"):
        again(shop, tmp_path / "out", *options)


def test_a_file_that_was_just_changed_is_read_again(
    shop: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its time of change would not show another change that follows at once."""
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now)
    os.utime(shop / "1.csv", ns=(now, now))
    again(shop, tmp_path / "out")
    spoil(shop / "1.csv")
    with pytest.raises(DataError, match=r"1\.csv"):
        again(shop, tmp_path / "out")


def test_moments_in_the_future_are_noted_until_they_are_not(shop: Path, tmp_path: Path) -> None:
    soon = datetime.now(UTC) + timedelta(hours=3)
    content = f"user_id,basket_id,item_id,timestamp\nann,soon,milk,{soon.isoformat()}\n"
    (shop / "5.csv").write_text(content)
    settle(shop / "5.csv")
    notices = again(shop, tmp_path / "out").summary.notices
    assert any("in the future" in notice.text for notice in notices)
    spoil(shop / "5.csv")
    with pytest.raises(DataError, match=r"5\.csv"):
        again(shop, tmp_path / "out")


@pytest.mark.parametrize("damage", ["index", "count", "missing", "cut", "flipped", "release"])
def test_lines_that_are_damaged_or_of_another_release_are_made_again(
    damage: str, shop: Path, tmp_path: Path
) -> None:
    before = again(shop, tmp_path / "out")
    index = tmp_path / "out" / "lines" / "lines.json"
    lines = index.with_name("00000.parquet")
    if damage == "index":
        index.write_text("{")
    elif damage == "count":
        facts = json.loads(index.read_text())
        facts["files"]["1.csv"]["parts"][0]["rows"] += 1
        index.write_text(json.dumps(facts))
    elif damage == "missing":
        lines.unlink()
    elif damage == "cut":
        os.truncate(lines, lines.stat().st_size // 2)
    elif damage == "flipped":
        content = bytearray(lines.read_bytes())
        content[len(content) // 2] ^= 1
        lines.write_bytes(content)
    else:
        index.write_text(json.dumps(json.loads(index.read_text()) | {"release": "0.0.0"}))
    assert again(shop, tmp_path / "out") == before


def test_a_refusal_leaves_what_was_kept(shop: Path, tmp_path: Path) -> None:
    before = again(shop, tmp_path / "out")
    header = "user_id,basket_id,item_id,timestamp\n"
    (shop / "5.csv").write_text(
        f"{header}ann,x,milk,2017-12-01T08:00Z\nben,x,milk,2017-12-01T08:00Z\n"
    )
    with pytest.raises(SharedBasketError):
        again(shop, tmp_path / "out")
    (shop / "5.csv").unlink()
    for file in shop.iterdir():
        spoil(file)
    assert again(shop, tmp_path / "out") == before


@pytest.mark.parametrize("links", [True, False])
def test_another_encoding_that_replaces_the_tables_changes_no_line(
    links: bool, shop: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if not links:  # as on a file system that has none
        monkeypatch.setattr(os, "link", Mock(side_effect=PermissionError))
    again(shop, tmp_path / "out")
    origin = Origin(str(shop), READING)
    kept = KeptLines(tmp_path / "out" / LINES, origin, tmp_path / "kept")
    first = write_files(tmp_path / "first", odd_lines(2, 12), ("0.csv",)) / "0.csv"
    settle(first)
    first.rename(shop / "0.csv")
    again(shop, tmp_path / "out")  # where 00000.parquet has the lines of another file now
    (shop / "0.csv").unlink()
    expected = CheckedLines(tmp_path / "new", READING.guests)
    found = CheckedLines(tmp_path / "found", READING.guests)
    table = read_lines(shop, READING, expected)
    for name in NAMES:
        spoil(shop / name)
    assert read_lines(shop, READING, found, kept).frame.equals(table.frame)
    assert pl.concat(map(pl.read_parquet, found.files)).equals(
        pl.concat(map(pl.read_parquet, expected.files))
    )


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_was_replaced_while_it_was_read_is_not_known(
    replaced: bool, shop: Path, tmp_path: Path
) -> None:
    lines, origin = CheckedLines(tmp_path / "lines"), Origin(str(shop), READING)
    seen = (shop / "1.csv").stat()

    def read(file: Path) -> Table:
        if replaced:
            (shop / "3.csv").replace(file)
        return read_line_file(file, READING, lines)

    kept = KeptLines(None, origin, tmp_path / "none")
    kept.read(shop / "1.csv", "1.csv", lines, read)
    kept.keep(lines, tmp_path / "kept")
    known = KeptLines(tmp_path / "kept", origin, tmp_path / "held")
    assert known.knows("1.csv", seen.st_size, seen.st_mtime_ns) is not replaced
