"""Folded-in users can be scored too, and the scores of others do not change."""

from pathlib import Path

import polars as pl

from index_builder.bundle.fold_in import with_folded_in_users
from index_builder.transactions.transactions import read_transactions
from service.bundle.bundle import load_bundle, preview_bundle, write_bundle
from service.recommending.basket_score.scorer import BasketScorer
from tests.data.scored_shop import aisle_items, lines, scored_contents


def test_a_folded_in_user_has_a_score(tmp_path: Path) -> None:
    bundle = load_bundle(write_bundle(tmp_path / "bundles", scored_contents()))
    new = lines().filter(pl.col("user_id") == "user-04").with_columns(user_id=pl.lit("new"))
    new.write_parquet(tmp_path / "new.parquet")
    found = with_folded_in_users(bundle, read_transactions(tmp_path / "new.parquet"))
    before, after = BasketScorer(bundle), BasketScorer(preview_bundle(found))
    own, other = aisle_items("user-04")[:6], aisle_items("user-01")[:6]
    assert before.score("new", own).score is None
    of_own, of_other = after.score("new", own).score, after.score("new", other).score
    assert of_own is not None
    assert of_other is not None
    assert of_own > 0.9 > 0.1 > of_other
    assert after.score("user-04", own) == before.score("user-04", own)
