"""Encoded baskets: transactions as arrays of indices, for training, counting and evaluation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

import numpy as np
import polars as pl
import pyarrow as pa
from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from index_builder.config import BuildConfig
from index_builder.transactions.encoded.by_code import Indices, index_by_code, mapped
from index_builder.transactions.encoded.described_items import described
from index_builder.transactions.errors import TooFewBasketsError
from index_builder.transactions.transactions import Transactions
from service.bundle.ids import Ids
from service.support.arrays.array_types import Int32, Int64, Positions
from service.support.arrays.offsets import offsets

_DEFAULTS = BuildConfig()


@dataclass(frozen=True, eq=False)
class EncodedBaskets:
    """Baskets in compressed rows, ordered by (begun_at, basket_id).

    Basket b holds the items basket_items[basket_indptr[b] : basket_indptr[b + 1]].

    Attributes:
        basket_indptr: (n_baskets + 1,) int64.
        basket_items: (n,) int32, item indices: distinct and ascending within a basket.
        basket_user: (n_baskets,) int32, user index; see `EncodedTransactions` for guests.
        basket_begun: (n_baskets,) int64, start in seconds since 1970, UTC.
        left_out: counts of what is not in the arrays, by reason.
    """

    basket_indptr: Int64 = field(repr=False)
    basket_items: Int32 = field(repr=False)
    basket_user: Int32 = field(repr=False)
    basket_begun: Int64 = field(repr=False)
    left_out: Mapping[str, int]

    @property
    def n_baskets(self) -> int:
        """Number of baskets."""
        return len(self.basket_user)

    @property
    def basket_sizes(self) -> Int64:
        """(n_baskets,) number of items in each basket."""
        return np.diff(self.basket_indptr)

    @property
    def line_basket(self) -> Int32:
        """(n,) the basket of each entry of `basket_items`."""
        return np.repeat(np.arange(self.n_baskets, dtype=np.int32), self.basket_sizes)


@dataclass(frozen=True, eq=False)
class EncodedTransactions(EncodedBaskets):
    """Training baskets, with the catalogue and the users that they define.

    Baskets of guests have n_users as their user: they count for items, and for no user.

    Attributes:
        items: one row per item index: item_id, name, department, category, subcategory
            (strings, no nulls), the item of most baskets first, ties by item_id; brand, price
            and more_categories where the products have them.
        item_count: (n_items,) int32, number of training baskets that hold the item.
        user_ids: (n_users,) sorted: all users with a training basket, whatever it holds.
    """

    items: pl.DataFrame = field(repr=False)
    item_count: Int32 = field(repr=False)
    user_ids: Sequence[str] = field(repr=False)

    @property
    def n_items(self) -> int:
        """Number of items in the catalogue."""
        return self.items.height

    @property
    def n_users(self) -> int:
        """Number of users."""
        return len(self.user_ids)

    @property
    def n_user_rows(self) -> int:
        """Number of rows that a table by `basket_user` needs: one for all guests, if there are any.

        It is the last one.
        """
        return max(self.n_users, int(self.basket_user.max(initial=-1)) + 1)

    @cached_property
    def of_users(self) -> EncodedBaskets:
        """The baskets without those of guests."""
        if self.n_user_rows == self.n_users:
            return self
        kept = self.basket_user < self.n_users
        return EncodedBaskets(
            basket_indptr=offsets(self.basket_sizes[kept]),
            basket_items=self.basket_items[np.repeat(kept, self.basket_sizes)],
            basket_user=self.basket_user[kept],
            basket_begun=self.basket_begun[kept],
            left_out=self.left_out,
        )

    def __rich__(self) -> RenderableType:
        table = RichTable(show_header=False)
        table.add_column()
        table.add_column(justify="right")
        table.add_row("users", f"{self.n_users:,}")
        table.add_row("catalogue items", f"{self.n_items:,}")
        table.add_row("baskets", f"{self.n_baskets:,}")
        if guests := self.n_baskets - self.of_users.n_baskets:
            table.add_row("  of guests", f"{guests:,}")
        table.add_row("items in baskets", f"{self.basket_items.size:,}", end_section=True)
        for reason, count in self.left_out.items():
            if count:
                table.add_row(reason, f"{count:,}")
        return Group(Text("Training data", style="bold"), table)


def encode(
    transactions: Transactions,
    products: pl.DataFrame | None = None,
    min_item_baskets: int = _DEFAULTS.min_item_baskets,
    until: datetime | None = None,
) -> EncodedTransactions:
    """Fixes the catalogue and the users, and encodes the training baskets.

    Args:
        transactions: all of them; baskets that began at `until` or later have no influence.
        products: as `read_products` returns them; without them an item is named by its id.
        min_item_baskets: an item is in the catalogue if this many training baskets hold it.
        until: training baskets began before this moment; None takes all baskets.

    Raises:
        TooFewBasketsError: no basket holds two items of the catalogue, so there is nothing
            to learn.
    """
    training = transactions.until(until) if until else transactions
    count = training.baskets.item_counts(len(training.item_ids))
    enough = np.flatnonzero(count >= max(1, min_item_baskets))
    catalogue = enough[np.argsort(-count[enough], kind="stable")]  # codes are in the order of ids
    users = np.unique(training.baskets.user_code)
    users = users[users >= 0]
    indices = Indices(
        _numbered(catalogue, len(training.item_ids)), _numbered(users, len(training.user_ids) + 1)
    )
    indices.user[-1] = len(users)
    baskets = _encode(training, indices)
    if baskets.basket_items.size == baskets.n_baskets:
        raise TooFewBasketsError(_too_few(count, min_item_baskets, training, until))
    item_ids = training.item_ids.gather(catalogue).alias("item_id")
    items, nameless = described(item_ids.to_frame(), products)
    left_out = {
        **baskets.left_out,
        "items below the threshold": int((count > 0).sum()) - len(catalogue),
        "catalogue items without a product": nameless,
    }
    return EncodedTransactions(
        **(vars(baskets) | {"left_out": left_out}),
        items=items,
        item_count=count[catalogue].astype(np.int32),
        user_ids=Ids(training.user_ids.gather(users).to_arrow().cast(pa.string())),
    )


def with_new_items(encoded: EncodedTransactions, products: pl.DataFrame) -> EncodedTransactions:
    """Adds the products that are not in the catalogue, behind its items, without any basket.

    They count as in one basket each, so that shares of a purchase to come are finite.

    Args:
        encoded: the training baskets.
        products: as `read_products` returns them.
    """
    new = products.filter(~pl.col("item_id").is_in(encoded.items["item_id"].to_list()))
    return replace(
        encoded,
        items=pl.concat([encoded.items, new.select(encoded.items.columns)]),
        item_count=np.concatenate([encoded.item_count, np.ones(new.height, np.int32)]),
    )


def encode_baskets(
    transactions: Transactions, item_index: Mapping[str, int], user_index: Mapping[str, int]
) -> EncodedBaskets:
    """Encodes baskets, for example held-out ones, by the indices of a known catalogue.

    Unknown items, baskets without a known item, and baskets of unknown users are left out and
    counted.

    Args:
        transactions: the baskets.
        item_index: item index by item_id.
        user_index: user index by user_id.
    """
    item_ids, items = _series(item_index)
    user_ids, users = _series(user_index)
    return _encode(
        transactions,
        Indices(
            index_by_code(transactions.item_ids, item_ids, items),
            np.append(index_by_code(transactions.user_ids, user_ids, users), np.int32(-1)),
        ),
    )


def encode_later(transactions: Transactions, encoded: EncodedTransactions) -> EncodedBaskets:
    """As `encode_baskets`, by the indices of training baskets.

    Args:
        transactions: the later baskets.
        encoded: the training baskets, with their catalogue and users.
    """
    user_ids = pl.Series(pl.from_arrow(Ids.of(encoded.user_ids).column))
    return _encode(
        transactions,
        Indices(
            index_by_code(transactions.item_ids, encoded.items["item_id"], _first(encoded.n_items)),
            np.append(
                index_by_code(transactions.user_ids, user_ids, _first(encoded.n_users)),
                np.int32(-1),
            ),
        ),
    )


def _encode(transactions: Transactions, indices: Indices) -> EncodedBaskets:
    baskets = mapped(transactions.baskets, indices)
    return EncodedBaskets(
        basket_indptr=baskets.indptr,
        basket_items=baskets.items,
        basket_user=baskets.user,
        basket_begun=baskets.begun,
        left_out={
            "baskets of unknown users": len(transactions.baskets) - baskets.of_users,
            "baskets without a catalogue item": baskets.of_users - len(baskets.user),
            "lines with other items": baskets.lines_of_users - len(baskets.items),
        },
    )


def _numbered(codes: Positions | Int32, n_codes: int) -> Int32:
    """The place of each code among some, or -1."""
    index = np.full(n_codes, -1, np.int32)
    index[codes] = _first(len(codes))
    return index


def _first(count: int) -> Int32:
    return np.arange(count, dtype=np.int32)


def _series(index: Mapping[str, int]) -> tuple[pl.Series, Int32]:
    return pl.Series(list(index), dtype=pl.String), np.array(list(index.values()), np.int32)


def _too_few(
    count: Int64, min_item_baskets: int, training: Transactions, until: datetime | None
) -> str:
    when = f" before {until}" if until else ""
    return (
        f"Too few baskets{when}: none holds two items that are in {min_item_baskets} baskets "
        f"or more.\n"
        f"Found: {len(training.baskets):,} baskets, {int((count > 0).sum()):,} items, the most "
        f"bought of them in {int(count.max(initial=0)):,} baskets.\n"
        "Lower the threshold (min_item_baskets), or bring more transactions."
    )
