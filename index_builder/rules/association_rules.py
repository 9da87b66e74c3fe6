"""Association rules: who has these in the basket also has that (Agrawal and Srikant, VLDB 1994).

A rule has a direction, one item on its right, and three measures. The support is the share of all
baskets that hold both sides, the confidence that share among the baskets with the left side, the
lift how many times the confidence exceeds the share of all baskets with the right side.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from index_builder.config import AssociationRulesConfig
from index_builder.rules.itemsets import Itemsets, frequent_itemsets
from service.support.array_types import Float64, Int32, Int64

__all__ = ["MOST_PARTS", "AssociationRules", "association_rules"]

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
        complete: whether no long ones were left out because they were too many.
    """

    antecedent: Int32
    consequent: Int32
    support: Float64
    confidence: Float64
    lift: Float64
    complete: bool = True

    @property
    def leverage(self) -> Float64:
        """(n,), the support beyond that of independent sides (Piatetsky-Shapiro, 1991)."""
        leverage: Float64 = self.support - self.support / self.lift
        return leverage

    @property
    def conviction(self) -> Float64:
        """(n,), how much rarer exceptions are than by chance (Brin et al., SIGMOD 1997).

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
        n_items: they are below it.
        n_baskets: all baskets, also those that hold none of the items.
        min_support: share of all baskets that hold both sides.
        config: the other thresholds.
    """
    # What a product of floats has too much must not cost a rule its threshold.
    min_count = max(math.ceil(min_support * n_baskets - 1e-9), config.min_baskets)
    found = frequent_itemsets(
        indptr, items, n_items, min_count, config.max_length, config.most_itemsets
    )
    parts = list(_rules(found, n_baskets, config))
    if not parts:
        return AssociationRules(
            np.empty((0, MOST_PARTS), np.int32), np.empty(0, np.int32), *np.empty((3, 0))
        )
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
    """The rules of itemsets of one length, with one place of them as the consequent, at a time."""
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
