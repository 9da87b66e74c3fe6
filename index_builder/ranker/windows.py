"""Windows: periods before the cut, each with the training baskets from before it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import numpy as np
import polars as pl

from index_builder.bundle.contents import assemble, with_closest, with_ranker
from index_builder.config import BuildConfig
from index_builder.embeddings.embeddings import Embeddings
from index_builder.index.tuning import build_index
from index_builder.transactions.encoded.encoding import EncodedTransactions, encode, encode_later
from index_builder.transactions.encoded.held_out import HeldOut, held_out, split_again
from index_builder.transactions.errors import TooFewBasketsError
from index_builder.transactions.transactions import Transactions
from service.bundle.bundle import BundleContents
from service.recommending.weights import Weights

_SHARE = 0.2  # of all time before the cut, at most, for one window
_LEFT = 0.4  # of all time before the cut, at least, lies before every window

_MOST_VALIDATED = 1000
_VALIDATION_SHARE = 0.2  # of the latest window; the ranker is trained on the rest
_FEWEST_RANKED = 300
_MOST_RANKED = 10_000  # baskets of one window


@dataclass(frozen=True)
class Window:
    """One period: baskets for validation or for training the ranker, and the data before them.

    Attributes:
        since: start of the period, UTC, naive; models for its baskets use only earlier data.
        encoded: the training baskets before `since`.
        baskets: held-out baskets of the period, in random order; of very many, a sample.
    """

    since: datetime
    encoded: EncodedTransactions
    baskets: list[HeldOut]


def windows(
    transactions: Transactions, products: pl.DataFrame | None, config: BuildConfig, until: datetime
) -> Iterator[Window]:
    """The windows of `validation_days` before the cut, the latest first.

    There is at least one, and at most `config.ranker.windows`.

    Raises:
        TooFewBasketsError: there are too few baskets before the latest window.
    """
    first = transactions.first
    length = min(timedelta(days=config.validation_days), _SHARE * (until - first))
    ends = [until]
    earliest = first + _LEFT * (until - first)
    while len(ends) < config.ranker.windows and ends[-1] - 2 * length >= earliest:
        ends.append(ends[-1] - length)
    for end in ends:
        since = end - length
        try:
            encoded = encode(transactions, products, config.min_item_baskets, since)
        except TooFewBasketsError:
            if end == until:
                raise
            return
        later = encode_later(transactions.since(since).until(end), encoded)
        baskets = held_out(later, config.train.seed, _MOST_VALIDATED + _MOST_RANKED)
        order = np.random.default_rng(config.train.seed).permutation(len(baskets))
        yield Window(since, encoded, [baskets[basket] for basket in order])


def set_aside(window: Window, config: BuildConfig) -> tuple[list[HeldOut], list[HeldOut]]:
    """Splits the latest window: baskets for validation and, if there are many, for the ranker."""
    n = len(window.baskets)
    n_validation = min(_MOST_VALIDATED, round(_VALIDATION_SHARE * n))
    if not config.ranker.enabled or n - n_validation < _FEWEST_RANKED:
        return window.baskets[:_MOST_VALIDATED], []
    return window.baskets[:n_validation], window.baskets[n_validation:][:_MOST_RANKED]


def training_baskets(found: Sequence[Window], config: BuildConfig) -> list[list[HeldOut]]:
    """The baskets of each window that the ranker is trained on, without those set aside.

    If there are few, each is repeated with other targets.

    Args:
        found: the windows, the latest first.
        config: configuration of the build.
    """
    _, others = set_aside(found[0], config)
    baskets = [others, *(window.baskets[:_MOST_RANKED] for window in found[1:])]
    total = max(1, sum(map(len, baskets)))
    splits = min(config.ranker.most_splits, -(-config.ranker.enough_baskets // total))
    rng = np.random.default_rng(config.train.seed)
    return [
        [*some, *(split_again(basket, rng) for _ in range(1, splits) for basket in some)]
        for some in baskets
    ]


def window_contents(
    window: Window,
    embeddings: Embeddings,
    weights: Weights,
    vectors_alone: Weights,
    config: BuildConfig,
    *,
    ranked: bool,
) -> BundleContents:
    """A bundle made from the data before the window only.

    Args:
        window: the window.
        embeddings: trained on the window's training baskets.
        weights: weights of the parts of a score.
        vectors_alone: the same without history.
        config: configuration of the build.
        ranked: whether to add the arrays that features are made from; trees are never added.
    """
    index = partial(build_index, config=config.index)
    contents = assemble(
        window.encoded, embeddings, config, window.since, index, weights, vectors_alone
    )
    if not ranked:
        return contents
    return with_closest(
        with_ranker(contents, window.encoded, config.ranker), window.encoded, config
    )
