"""Windows: each holds its own baskets and the training baskets from before it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from index_builder.config import BuildConfig, RankerConfig
from index_builder.ranker.windows import Window, set_aside, training_baskets, windows
from index_builder.transactions.errors import TooFewBasketsError
from index_builder.transactions.transactions import Transactions, read_transactions
from tests.data.tiny_shop import END, FIRST, lines
from tests.index_builder.conftest import QUICK


def found(transactions: Transactions, days: float, most: int, until: datetime) -> list[Window]:
    ranker = RankerConfig(windows=most)
    config = QUICK.model_copy(update={"validation_days": days, "ranker": ranker})
    return list(windows(transactions, None, config, until))


def test_windows_adjoin_and_the_latest_comes_first(transactions: Transactions) -> None:
    starts = [each.since for each in found(transactions, 6, 3, END)]
    assert starts == [END - timedelta(days=6 * number) for number in (1, 2, 3)]


def test_a_window_has_the_baskets_before_it_and_those_in_it(
    transactions: Transactions,
) -> None:
    end = END
    for window in found(transactions, 6, 3, END):
        since = window.since.replace(tzinfo=UTC).timestamp()
        assert window.encoded.basket_begun.max() < since
        inside = transactions.since(window.since).until(end).lines["basket_id"].n_unique()
        assert 0 < len(window.baskets) <= inside
        end = window.since


def test_two_fifths_of_the_time_lie_before_all_windows(transactions: Transactions) -> None:
    starts = [each.since for each in found(transactions, 1000, 99, END)]
    first = transactions.lines["begun_at"].item(0)
    assert len(starts) == 3
    assert starts[-1] == END - 3 * (0.2 * (END - first))


def test_the_baskets_depend_only_on_the_seed(transactions: Transactions) -> None:
    some, same = (found(transactions, 6, 1, END)[0].baskets for _ in range(2))
    assert [each.targets.tolist() for each in some] == [each.targets.tolist() for each in same]


def test_too_few_baskets_are_refused_before_the_latest_and_end_the_others(tmp_path: Path) -> None:
    lines(days=5).write_parquet(tmp_path / "t.parquet")
    short = read_transactions(tmp_path / "t.parquet")
    with pytest.raises(TooFewBasketsError):
        found(short, 1, 3, FIRST + timedelta(days=5))


def test_a_fifth_is_set_aside_or_everything_without_a_ranker(transactions: Transactions) -> None:
    window = found(transactions, 30, 1, END)[0]
    many = Window(window.since, window.encoded, (window.baskets * 40)[:1000])
    config = BuildConfig()
    validated, others = set_aside(many, config)
    assert (len(validated), len(others)) == (200, 800)
    unranked = config.model_copy(update={"ranker": RankerConfig(enabled=False)})
    assert [len(part) for part in set_aside(many, unranked)] == [1000, 0]
    few = Window(window.since, window.encoded, many.baskets[:374])
    assert [len(part) for part in set_aside(few, config)] == [374, 0]
    assert np.intersect1d(window.baskets[0].given, window.baskets[0].targets).size == 0


def test_few_baskets_are_split_several_times(transactions: Transactions) -> None:
    latest, before, *_ = found(transactions, 6, 2, END)
    many = Window(latest.since, latest.encoded, (latest.baskets * 99)[:500])
    config = BuildConfig(ranker=RankerConfig(enough_baskets=1000, most_splits=3))
    once, twice = training_baskets([many, before], config)
    assert len(once) == 3 * 400
    assert len(twice) == 3 * len(before.baskets)
    whole = np.union1d(twice[0].given, twice[0].targets)
    again = twice[len(before.baskets)]
    assert np.union1d(again.given, again.targets).tolist() == whole.tolist()
    assert len(again.targets) == len(twice[0].targets)
    assert any(
        set(some.targets.tolist()) != set(other.targets.tolist())
        for some, other in zip(twice, twice[len(before.baskets) :], strict=False)
    )
    enough = BuildConfig(ranker=RankerConfig(enough_baskets=100))
    assert [len(each) for each in training_baskets([many, before], enough)] == [
        400,
        len(before.baskets),
    ]
