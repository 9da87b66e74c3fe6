"""Quality on other shops, where users have other habits, with default settings.

Four of the five shops are made from the demo data, one is random. Each is built with default
settings and compared with item-kNN and with its blend with recency frequency. The blend uses the
best of several weights, chosen on the test baskets themselves, so it cannot be called badly tuned.
The build has seen none of these baskets.
"""

import argparse
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from index_builder.build import build
from index_builder.config import BuildConfig
from index_builder.evaluation.baselines.blend import blend
from index_builder.evaluation.baselines.methods.item_knn import item_knn
from index_builder.measuring.purchases import recency_frequency
from index_builder.measuring.quality import Quality, measure, ranking_function
from index_builder.measuring.scorer import top
from index_builder.transactions.datasets import completejourney
from index_builder.transactions.encoded.encoding import encode, encode_baskets
from index_builder.transactions.encoded.held_out import HeldOut, held_out
from index_builder.transactions.transactions import Transactions, read_transactions
from service.bundle.bundle import Bundle, load_bundle
from service.recommending.recommender import Recommender

CUT = datetime.fromisoformat("2017-12-01")
BLEND_WEIGHTS = (0.125, 0.25, 0.5, 1.0, 2.0)
LEAST_RATIO = 1.10
BASKETS = 3000  # test baskets of a shop, at most
COLUMNS = ("user_id", "basket_id", "item_id", "begun_at")

Shop = tuple[pl.DataFrame, pl.DataFrame | None]


def novelty(lines: pl.DataFrame, _products: pl.DataFrame, seed: int) -> Shop:
    """Most purchases are the user's first of the item: one in six is a repeat. No products."""
    first = pl.col("begun_at") == pl.col("begun_at").min().over("user_id", "item_id")
    lines = lines.with_columns(new=first)
    late = lines.filter(pl.col("begun_at") >= CUT)["new"]
    share = int(late.sum()) / (5 * int((~late).sum()))
    kept = np.random.default_rng(seed).random(lines.height) < share
    return lines.filter(pl.col("new") | pl.lit(pl.Series(kept))), None


def strangers(lines: pl.DataFrame, products: pl.DataFrame, seed: int) -> Shop:
    """Short histories: the baskets of a household are dealt to six users."""
    part = pl.col("basket_id").hash(seed) % 6
    return lines.with_columns(pl.format("{}-{}", "user_id", part).alias("user_id")), products


def corner(lines: pl.DataFrame, products: pl.DataFrame, seed: int) -> Shop:
    """A small shop: 400 households."""
    users = lines["user_id"].unique().sort().sample(400, seed=seed)
    return lines.filter(pl.col("user_id").is_in(users.implode())), products


def shelves(lines: pl.DataFrame, products: pl.DataFrame, _seed: int) -> Shop:
    """A small catalogue: the items are the demo's subcategories. No products."""
    named = products.select("item_id", pl.col("subcategory").fill_null(""))
    named = named.filter(pl.col("subcategory") != "")
    lines = lines.join(named, on="item_id").drop("item_id").rename({"subcategory": "item_id"})
    return lines.select(COLUMNS).unique().sort("begun_at", "basket_id", "item_id"), None


def dice(_lines: pl.DataFrame, _products: pl.DataFrame, seed: int) -> Shop:
    """A random shop: 3,000 items of 60 themes; a basket mixes two of its user's themes."""
    rng = np.random.default_rng(seed)
    n_users, n_items, n_themes, days = 3000, 3000, 60, 334
    first = CUT - timedelta(days=days)
    theme_of = rng.integers(n_themes, size=n_items)
    appeal = rng.pareto(1.2, n_items) + 0.05
    by_theme = [np.flatnonzero(theme_of == theme) for theme in range(n_themes)]
    own = rng.integers(n_themes, size=(n_users, 4))
    rows: list[tuple[str, str, str, datetime]] = []
    for visit in range(60_000):
        user = int(rng.integers(n_users))
        begun = first + timedelta(days=float(rng.random() * (days + 31)))
        items: set[int] = set()
        for theme in rng.choice(own[user], 2):
            pool = by_theme[theme]
            share = appeal[pool] / appeal[pool].sum()
            items.update(
                rng.choice(pool, min(len(pool), int(rng.integers(2, 7))), p=share).tolist()
            )
        items.update(rng.choice(n_items, 2, p=appeal / appeal.sum()).tolist())
        rows += [(f"u{user}", f"b{visit}", f"i{item}", begun) for item in items]
    return pl.DataFrame(rows, schema=COLUMNS, orient="row"), None


SHOPS: tuple[Callable[[pl.DataFrame, pl.DataFrame, int], Shop], ...] = (
    novelty,
    strangers,
    corner,
    shelves,
    dice,
)


def main() -> None:
    """Build and evaluate each shop; print one line for each."""
    arguments = _arguments()
    console = Console(stderr=True)
    transactions, products = completejourney.read()
    table = Table(
        "shop", "items", "repeat targets", "item-kNN", "kNN + recency", "RTT2Vec", "ratio"
    )
    too_low = []
    for shop in SHOPS:
        if arguments.shop and shop.__name__ not in arguments.shop:
            continue
        console.rule(shop.__name__)
        lines, catalogue = shop(transactions.lines.select(COLUMNS), products, arguments.seed)
        with TemporaryDirectory() as directory:
            row, ratio = _evaluate(lines, catalogue, Path(directory), console)
        table.add_row(shop.__name__, *row, f"{ratio:.2f}")
        too_low += [shop.__name__] * (ratio < LEAST_RATIO)
    Console(width=110).print(table)
    if too_low:
        sys.exit(f"below {LEAST_RATIO} x the better opponent: {', '.join(too_low)}")


def _evaluate(
    lines: pl.DataFrame, products: pl.DataFrame | None, directory: Path, console: Console
) -> tuple[list[str], float]:
    file = directory / "transactions.parquet"
    lines.select(*COLUMNS[:3], timestamp="begun_at").write_parquet(file)
    table = read_transactions(file)
    bundle = load_bundle(build(table, products, BuildConfig(), directory, CUT, console))
    users = {user_id: row for row, user_id in enumerate(bundle.user_ids)}
    encoded = encode_baskets(table.since(CUT), bundle.catalogue.index, users)
    baskets = held_out(encoded, 0, BASKETS)
    knn, blended = _opponents(table, bundle, baskets)
    recommender = Recommender(bundle)
    ours = measure(ranking_function(recommender, bundle), baskets, bundle).quality
    row = [f"{len(bundle.catalogue):,}", f"{_repeat_share(bundle, baskets):.2f}"]
    row += [f"{each.recall:.3f} / {each.ndcg:.3f}" for each in (knn, blended, ours)]
    return row, ours.recall / max(knn.recall, blended.recall)


def _opponents(
    table: Transactions, bundle: Bundle, baskets: list[HeldOut]
) -> tuple[Quality, Quality]:
    config = BuildConfig()
    encoded = encode(table, None, config.min_item_baskets, CUT)
    knn, recency = item_knn(encoded), recency_frequency(encoded, config.recency_half_life_days)
    alone = measure(top(knn), baskets, bundle).quality
    tried = [
        measure(top(blend(knn, recency, weight)), baskets, bundle).quality
        for weight in BLEND_WEIGHTS
    ]
    return alone, max(tried, key=lambda quality: quality.recall)


def _repeat_share(bundle: Bundle, baskets: list[HeldOut]) -> float:
    repeats = [
        np.isin(
            basket.targets,
            bundle.history_item[slice(*bundle.history_indptr[basket.user : basket.user + 2])],
        )
        for basket in baskets
    ]
    return float(np.concatenate(repeats).mean())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    names = [shop.__name__ for shop in SHOPS]
    parser.add_argument("--shop", nargs="*", choices=names, help="only these")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
