"""Coded baskets, in ranges: the same as all at once, whatever the ranges."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index_builder.transactions.encoded import coded_baskets
from index_builder.transactions.encoded.coded_baskets import CodedBaskets
from index_builder.transactions.encoded.encoding import encode, encode_later
from index_builder.transactions.encoded.scratch import scratch
from service.support.arrays.offsets import offsets
from tests.data.relined import with_lines

SIZES = st.lists(st.integers(1, 6), min_size=1, max_size=12)


def of_sizes(sizes: list[int]) -> CodedBaskets:
    """Return baskets of these sizes; each of one user, and all items of different codes."""
    n = len(sizes)
    items = np.arange(sum(sizes), dtype=np.int32)
    return CodedBaskets(np.arange(n) * 10**6, np.arange(n, dtype=np.int32), offsets(sizes), items)


@given(sizes=SIZES, lines=st.integers(1, 9))
def test_blocks_hold_every_basket_once_and_whole(sizes: list[int], lines: int) -> None:
    baskets = of_sizes(sizes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coded_baskets, "BLOCK_LINES", lines)
        blocks = list(baskets.blocks())
    assert np.concatenate([block.user_code for block in blocks]).tolist() == list(range(len(sizes)))
    assert [size for block in blocks for size in block.sizes] == sizes
    assert np.concatenate([block.codes for block in blocks]).tolist() == list(range(sum(sizes)))
    assert all(block.n_lines <= lines or len(block) == 1 for block in blocks)


@given(sizes=SIZES, lines=st.integers(1, 9), data=st.data())
def test_baskets_are_chosen_with_their_items(
    sizes: list[int], lines: int, data: st.DataObject
) -> None:
    kept = np.array(data.draw(st.lists(st.booleans(), min_size=len(sizes), max_size=len(sizes))))
    first = data.draw(st.integers(0, len(sizes)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coded_baskets, "BLOCK_LINES", lines)
        chosen = of_sizes(sizes).between(first, len(sizes)).where(kept[first:])
    places = [place for place in range(first, len(sizes)) if kept[place]]
    assert chosen.user_code.tolist() == places
    starts = offsets(sizes)
    assert chosen.codes.tolist() == [
        code for place in places for code in range(starts[place], starts[place + 1])
    ]


@st.composite
def shops(draw: st.DrawFn) -> pl.DataFrame:
    """Lines of up to ten baskets of three users and guests, and five items."""
    begin = datetime.fromisoformat("2017-12-01")
    rows = [
        (draw(st.sampled_from(["ann", "bob", "cat", None])), f"b{basket}", f"i{item}", moment)
        for basket in range(draw(st.integers(2, 10)))
        for moment in [begin + timedelta(hours=draw(st.integers(0, 9)))]
        for item in draw(st.sets(st.integers(0, 4), min_size=2))
    ]
    owner = {basket: user for user, basket, *_ in rows}
    return pl.DataFrame(
        [(owner[basket], basket, item, moment) for _, basket, item, moment in rows],
        schema=["user_id", "basket_id", "item_id", "begun_at"],
        schema_overrides={"user_id": pl.String},
        orient="row",
    )


@given(lines=shops(), block=st.integers(1, 9))
def test_ranges_change_nothing_in_training_data(lines: pl.DataFrame, block: int) -> None:
    transactions = with_lines(lines)
    cut = datetime.fromisoformat("2017-12-01T05:00")

    def found() -> list[object]:
        whole = encode(transactions, min_item_baskets=1)
        later = encode_later(transactions.since(cut), whole)
        names = ("basket_indptr", "basket_items", "basket_user", "basket_begun")
        arrays = [getattr(each, name).tolist() for each in (whole, later) for name in names]
        return [arrays, whole.item_count.tolist(), dict(whole.left_out), dict(later.left_out)]

    at_once = found()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coded_baskets, "BLOCK_LINES", block)
        assert found() == at_once


@pytest.mark.parametrize("length", [0, 7, 5 << 20])
def test_scratch_arrays_are_zero_and_can_be_written(
    length: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    array = scratch(length, np.int32)
    assert (array.shape, array.dtype) == ((length,), np.dtype(np.int32))
    assert not array.any()
    array[length // 2 :] = 3
    assert int(array.sum(dtype=np.int64)) == 3 * (length - length // 2)
    assert not list(tmp_path.iterdir())  # it has no name


def test_missing_room_is_said_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(OSError, match=r"expected room for .* GB; TMPDIR names") as caught:
        scratch(1 << 58, np.int64)
    assert caught.value.filename == str(tmp_path)
