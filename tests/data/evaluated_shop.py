"""The ranked shop, built by the whole build and evaluated on its last two weeks."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from index_builder.build import build
from index_builder.evaluation.evaluate import Evaluation, evaluate
from index_builder.transactions.encoded.encoding import encode_baskets
from index_builder.transactions.encoded.held_out import HeldOut, held_out
from index_builder.transactions.products import read_products
from index_builder.transactions.transactions import Transactions, read_transactions
from service.bundle.bundle import Bundle, load_bundle
from tests.data.ranked_shop import CONFIG, CUT, lines, products

N_BASKETS = 60


@dataclass(frozen=True)
class BuiltShop:
    """A bundle of the baskets before CUT, all transactions, and some baskets since."""

    bundle: Bundle
    transactions: Transactions
    baskets: list[HeldOut]


@cache
def built_shop() -> BuiltShop:
    """The shop, its bundle read into memory before its files are gone."""
    with TemporaryDirectory() as name:
        directory = Path(name)
        lines().write_parquet(directory / "transactions.parquet")
        products().write_csv(directory / "products.csv")
        transactions = read_transactions(directory / "transactions.parquet")
        catalogue = read_products(directory / "products.csv")
        out, console = directory / "out", Console(quiet=True)
        bundle = load_bundle(build(transactions, catalogue, CONFIG, out, CUT, console))
    users = {user_id: row for row, user_id in enumerate(bundle.user_ids)}
    later = encode_baskets(transactions.since(CUT), bundle.catalogue.index, users)
    return BuiltShop(bundle, transactions, held_out(later, 0, N_BASKETS))


@cache
def evaluated(seed: int = 0, quick: bool = False) -> Evaluation:
    """What the evaluation finds."""
    shop = built_shop()
    console = Console(quiet=True)
    return evaluate(shop.bundle, shop.transactions, shop.baskets, seed, quick, console)
