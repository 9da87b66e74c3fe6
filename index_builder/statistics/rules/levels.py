"""Association rules of the training baskets: between items, and at a level of the taxonomy."""

import numpy as np

from index_builder.config import AssociationRulesConfig
from index_builder.statistics.rules.association_rules import AssociationRules, association_rules
from index_builder.transactions.encoded.basket_matrix import basket_matrix
from index_builder.transactions.encoded.encoding import EncodedTransactions
from service.bundle.taxonomy import Level
from service.support.arrays.array_types import Float32, Int32, Int64
from service.support.arrays.offsets import offsets

BLOCK_BASKETS = 1 << 19


def item_rules(encoded: EncodedTransactions, config: AssociationRulesConfig) -> AssociationRules:
    """Finds the rules between items."""
    indptr, items = encoded.basket_indptr, encoded.basket_items
    n_baskets = _all_baskets(encoded)
    return association_rules(indptr, items, encoded.n_items, n_baskets, config.min_support, config)


def level_rules(
    encoded: EncodedTransactions, level: Level, config: AssociationRulesConfig
) -> AssociationRules:
    """Finds the rules between departments, categories or subcategories, by their codes."""
    indptr, codes = _baskets_of(encoded, level)
    support, n_baskets = config.taxonomy_min_support, _all_baskets(encoded)
    return association_rules(indptr, codes, len(level.names), n_baskets, support, config)


def category_lift(
    encoded: EncodedTransactions, level: Level, min_expected_baskets: float
) -> Float32:
    """Measures how much more often two categories are bought together than by chance.

    Returns:
        (n, n) float32, symmetric; -1 where fewer than `min_expected_baskets` baskets with both are
        expected by chance, and for a category with itself.
    """
    indptr, codes = _baskets_of(encoded, level)
    baskets = basket_matrix(indptr, codes, len(level.names), np.float64)
    together = (baskets.T @ baskets).toarray()
    count = np.diag(together)
    expected = np.outer(count, count) / _all_baskets(encoded)
    enough = expected >= max(min_expected_baskets, np.finfo(np.float64).tiny)
    lift = np.divide(together, expected, out=np.full_like(together, -1), where=enough)
    np.fill_diagonal(lift, -1)
    measured: Float32 = lift.astype(np.float32)
    return measured


def _baskets_of(encoded: EncodedTransactions, level: Level) -> tuple[Int64, Int32]:
    """Where each basket starts, and its codes of the level, distinct and ascending."""
    width = max(1, len(level.names))
    sizes, codes = [], []
    for first in range(0, max(1, encoded.n_baskets), BLOCK_BASKETS):
        indptr = encoded.basket_indptr[first : first + BLOCK_BASKETS + 1]
        code = level.codes[encoded.basket_items[indptr[0] : indptr[-1]]]
        basket = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
        keys = np.sort(basket[code >= 0] * width + code[code >= 0])
        distinct = keys[np.diff(keys, prepend=-1) != 0]  # np.unique takes five times as long
        sizes.append(np.bincount(distinct // width, minlength=len(indptr) - 1))
        codes.append((distinct % width).astype(np.int32))
    return offsets(np.concatenate(sizes)), np.concatenate(codes)


def _all_baskets(encoded: EncodedTransactions) -> int:
    """The number of all baskets, also of those without an item of the catalogue."""
    return encoded.n_baskets + encoded.left_out.get("baskets without a catalogue item", 0)
