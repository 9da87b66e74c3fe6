"""The validation slice."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from index_builder.config import BuildConfig, Objective
from index_builder.transactions.transactions import Transactions, read_transactions
from index_builder.validation.validation import Choice, validate
from service.recommending.weights import Weights
from tests.data.tiny_shop import END, FIRST, lines
from tests.index_builder.conftest import QUICK


def validated(
    transactions: Transactions, config: BuildConfig = QUICK, until: datetime = END
) -> tuple[Choice, str]:
    """The choice, and what the console said."""
    console = Console(width=200)
    with console.capture() as capture:
        choice = validate(transactions, None, config, until, console)
    return choice, capture.get()


def metrics_of(choice: Choice) -> dict[str, Any]:
    metrics = choice.metrics["validation"]
    assert isinstance(metrics, dict)
    return metrics


@pytest.fixture(scope="module")
def choice(transactions: Transactions) -> Choice:
    return validated(transactions)[0]


def test_the_last_days_before_the_cut_are_the_slice(transactions: Transactions) -> None:
    choice, said = validated(transactions, QUICK.model_copy(update={"validation_days": 15.0}))
    since = END - timedelta(days=15)
    assert metrics_of(choice)["since"] == since.isoformat()
    in_slice = lines().filter(pl.col("timestamp") >= since)["basket_id"].n_unique()
    assert f"{in_slice} baskets since {since:%Y-%m-%d}" in said


def test_a_short_record_spares_a_fifth_of_itself(transactions: Transactions) -> None:
    until = FIRST + timedelta(days=50)
    choice, _ = validated(transactions, until=until)
    assert metrics_of(choice)["since"] == (until - timedelta(days=10)).isoformat()


def test_every_method_is_measured_and_the_recommender_beats_the_best_sellers(
    choice: Choice,
) -> None:
    metrics = metrics_of(choice)
    recall = {name: each["recall"] for name, each in metrics.items() if isinstance(each, dict)}
    assert set(recall) == {
        "item popularity",
        "user frequency",
        "RTT2Vec: vectors and prior",
        "RTT2Vec with history",
    }
    # In each aisle stand 20 items, so that who knows the aisle finds all: k is 20.
    assert recall["RTT2Vec: vectors and prior"] == recall["RTT2Vec with history"] == 1
    assert recall["item popularity"] < 0.9


def test_where_no_target_is_new_the_manifest_says_null(choice: Choice) -> None:
    # JSON has no NaN. Every user has bought the whole aisle before.
    assert metrics_of(choice)["user frequency"]["recall_new"] is None
    assert metrics_of(choice)["user frequency"]["recall_repeat"] == 1


def test_the_choice_is_one_of_the_candidates(choice: Choice) -> None:
    assert 1 <= choice.epochs <= QUICK.train.most_epochs
    assert choice.epochs == metrics_of(choice)["epochs"]
    assert choice.vectors_alone.history == 0


def test_where_all_weights_find_everything_the_defaults_stay(choice: Choice) -> None:
    assert choice.weights == Weights(1, 0.75, 1.5, 0.5, neighbour=40)
    assert choice.vectors_alone == Weights(1, 0.75, 0, 0.5, neighbour=40)


def test_training_on_pairs_stops_when_recall_no_longer_grows(transactions: Transactions) -> None:
    # Everything is found at the first look, after 2 of 40 epochs, and never more than that.
    pairs = QUICK.train.model_copy(update={"objective": Objective.TRIPLE2VEC, "epochs": 40})
    choice, _ = validated(transactions, QUICK.model_copy(update={"train": pairs}))
    assert choice.epochs <= 4


def test_basket_completion_goes_to_the_end_of_its_schedule(choice: Choice) -> None:
    assert QUICK.train.objective is Objective.COMPLETION
    assert choice.epochs == QUICK.train.most_epochs


def test_the_same_again(transactions: Transactions, choice: Choice) -> None:
    assert validated(transactions)[0] == choice


def test_nothing_after_the_cut_counts(transactions: Transactions) -> None:
    cut = FIRST + timedelta(days=60)
    choice, _ = validated(transactions, until=cut)
    assert choice == validated(transactions.until(cut), until=cut)[0]


def shop(directory: Path, days: int) -> Transactions:
    lines(days=days).write_parquet(directory / "t.parquet")
    return read_transactions(directory / "t.parquet")


@pytest.mark.parametrize(
    ("days", "why"), [(30, "17 baskets of 5 known items or more"), (5, "Too few baskets before")]
)
def test_too_few_baskets_get_the_defaults_and_a_message(
    tmp_path: Path, days: int, why: str
) -> None:
    choice, said = validated(shop(tmp_path, days), until=FIRST + timedelta(days=days))
    assert "No validation" in said
    assert why in said
    assert choice.metrics == {"validation": None}
    assert choice.epochs > 0
    assert choice.weights.history > 0
    assert choice.vectors_alone.history == 0


def test_favourites_make_history_count(tmp_path: Path) -> None:
    # Users share one large aisle but each of them buys from 8 favourites: history tells most.
    table = lines()
    number = pl.col("item_id").str.strip_prefix("item-").cast(pl.Int64) // 2 % 8
    user = pl.col("user_id").str.strip_prefix("user-").cast(pl.Int64)
    favourite = (pl.lit("item-") + (number * 6 + user).cast(pl.String)).alias("item_id")
    table.with_columns(favourite).unique().write_parquet(tmp_path / "t.parquet")
    choice, _ = validated(read_transactions(tmp_path / "t.parquet"))
    assert metrics_of(choice)["RTT2Vec with history"]["recall"] == 1
    assert metrics_of(choice)["item popularity"]["recall"] < 0.8
