"""Association rules, antecedent → consequent (Agrawal and Srikant, VLDB 1994).

The consequent is one item. The support of a rule is the share of all baskets that hold antecedent
and consequent; the confidence is the share of the antecedent's baskets that hold the consequent;
the lift is the confidence over the share of all baskets that hold the consequent.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from index_builder.config import AssociationRulesConfig
from index_builder.statistics.rules.itemsets import Itemsets, frequent_itemsets
from service.support.arrays.array_types import Float64, Int32, Int64

MOST_PARTS = 4  # of an antecedent


@dataclass(frozen=True, eq=False)
class AssociationRules:
    """Rules by the last item of their antecedent, then by the antecedent, then the consequent.

    Attributes:
        antecedent: (n, MOST_PARTS) int32, ascending item indices, then -1.
        consequent: (n,) int32, item index.
        support: (n,) float64.
        confidence: (n,) float64.
        lift: (n,) float64.
        complete: False if long rules were left out because they were too many.
    """

    antecedent: Int32
    consequent: Int32
    support: Float64
    confidence: Float64
    lift: Float64
    complete: bool = True

    @property
    def leverage(self) -> Float64:
        """(n,) support minus that of independent sides (Piatetsky-Shapiro, 1991)."""
        leverage: Float64 = self.support - self.support / self.lift
        return leverage

    @property
    def conviction(self) -> Float64:
        """(n,) exceptions expected by chance over exceptions found (Brin et al., SIGMOD 1997).

        Infinite for a rule without exceptions.
        """
        exceptions = 1 - self.confidence
        expected = 1 - self.confidence / self.lift
        conviction: Float64 = np.full(len(expected), np.inf)
        np.divide(expected, exceptions, out=conviction, where=exceptions > 0)
        return conviction


def association_rules(
    indptr: Int64,
    items: Int32,
    n_items: int,
    n_baskets: int,
    min_support: float,
    config: AssociationRulesConfig,
) -> AssociationRules:
    """Finds all rules within the thresholds.

    Args:
        indptr: where each basket starts, and the end of the last one.
        items: distinct item indices of each basket.
        n_items: the item indices are below it.
        n_baskets: number of all baskets, also of those without an item.
        min_support: share of all baskets that hold both sides.
        config: the other thresholds.
    """
    # The product of floats may be a little too large: the 1e-9 keeps rules on the threshold.
    min_count = max(math.ceil(min_support * n_baskets - 1e-9), config.min_baskets)
    found = frequent_itemsets(
        indptr, items, n_items, min_count, config.max_length, config.most_itemsets
    )
    parts = list(_rules(found, n_baskets, config))
    if not parts:
        nothing = np.empty(0)
        antecedent, consequent = np.empty((0, MOST_PARTS), np.int32), np.empty(0, np.int32)
        return AssociationRules(antecedent, consequent, nothing, nothing, nothing, found.complete)
    antecedent, consequent, support, confidence, lift = map(
        np.concatenate, zip(*parts, strict=True)
    )
    order = np.lexsort((consequent, *antecedent.T[::-1], antecedent.max(axis=1)))
    return AssociationRules(
        antecedent[order],
        consequent[order],
        support[order],
        confidence[order],
        lift[order],
        found.complete,
    )


def _rules(
    found: Itemsets, n_baskets: int, config: AssociationRulesConfig
) -> Iterator[tuple[Int32, Int32, Float64, Float64, Float64]]:
    """Yields the rules of itemsets of one length, with the same column as the consequent."""
    for length in range(2, len(found.items) + 1):
        itemsets, count = found.items[length - 1], found.count[length - 1]
        for place in range(length):
            consequent, antecedent = itemsets[:, place], np.delete(itemsets, place, axis=1)
            confidence = count / found.count[length - 2][found.places(antecedent)]
            lift = confidence * n_baskets / found.count[0][found.places(consequent[:, None])]
            kept = (confidence >= config.min_confidence) & (lift >= config.min_lift)
            padding = ((0, 0), (0, MOST_PARTS - length + 1))
            yield (
                np.pad(antecedent[kept], padding, constant_values=-1),
                consequent[kept],
                count[kept] / n_baskets,
                confidence[kept],
                lift[kept],
            )
