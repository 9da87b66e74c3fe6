"""Related items: those that association rules derive from given items.

The rules are stored by the last item of their antecedent, which is the rarest, so that even a large
basket has to look at few rules whose antecedent it does not hold.
"""

from typing import Annotated, NamedTuple

import numpy as np

from service.bundle.arrays import Arrays
from service.support.arrays.array_types import Bool, Float32, Int8, Int32, Int64
from service.support.compiled.compilation import compiled
from service.support.compiled.layout import Layout


class AssociationRule(NamedTuple):
    """One rule, by item indices.

    For its measures see `index_builder.statistics.rules.association_rules`.
    """

    antecedent: list[int]
    consequent: int
    support: float
    confidence: float
    lift: float


class Related(NamedTuple):
    """An item that goes with others, and the rule that it follows from; None for a best seller."""

    item_index: int
    rule: AssociationRule | None


class RelatedItems:
    """Looks up the association rules of one bundle; safe to share between threads."""

    def __init__(self, arrays: Arrays) -> None:
        """Prepares what all requests share.

        Args:
            arrays: those of a bundle with association rules.
        """
        self._indptr = arrays.required("rule_indptr", "related products")
        self._antecedent = arrays.required("rule_antecedent", "related products")
        self._consequent = arrays.required("rule_consequent", "related products")
        self._support = arrays.required("rule_support", "related products")
        self._confidence = arrays.required("rule_confidence", "related products")
        self._lift = arrays.required("rule_lift", "related products")
        self._parts = (self._antecedent >= 0).sum(axis=1, dtype=np.int8)
        self._merit = self._lift * self._confidence

    def related(self, given: Int32, k: int, eligible: Bool) -> list[Related]:
        """Returns k eligible items that go with the given ones, each once.

        First come the consequents of rules whose whole antecedent is given: the longest antecedent
        first, then the largest lift × confidence, then the most popular item, each with its best
        rule. Then come best sellers. There are fewer than k only if no more are eligible.

        Args:
            given: distinct item indices, ascending.
            k: 1 or more.
            eligible: (n_items,) from `eligible_items`: which items may be returned.
        """
        rules = self._best_rules(given, eligible)[:k]
        others = eligible.copy()
        others[self._consequent[rules]] = False
        sellers = np.flatnonzero(others)[: k - len(rules)]
        found = [Related(rule.consequent, rule) for rule in map(self._rule, rules.tolist())]
        return found + [Related(item, None) for item in sellers.tolist()]

    def _best_rules(self, given: Int32, eligible: Bool) -> Int32:
        """The best rule of each consequent, best first."""
        best = _match(
            given, eligible,
            self._indptr, self._antecedent, self._consequent, self._parts, self._merit,
        )  # fmt: skip
        rules = best[best >= 0]
        order = np.lexsort((self._consequent[rules], -self._merit[rules], -self._parts[rules]))
        return rules[order]

    def _rule(self, rule: int) -> AssociationRule:
        return AssociationRule(
            self._antecedent[rule, : self._parts[rule]].tolist(),
            int(self._consequent[rule]),
            float(self._support[rule]),
            float(self._confidence[rule]),
            float(self._lift[rule]),
        )


@compiled()
def _match(
    given: Int32,
    eligible: Bool,
    indptr: Int64,
    antecedent: Annotated[Int32, Layout(axes=2)],
    consequent: Int32,
    parts: Int8,
    merit: Float32,
) -> Int32:
    """The best rule of each eligible consequent whose antecedent is given; -1 for none."""
    best = np.full(len(eligible), -1, np.int32)
    for item in given:
        for rule in range(indptr[item], indptr[item + 1]):
            follows = consequent[rule]
            if not eligible[follows]:
                continue
            held = True
            for part in antecedent[rule, : parts[rule] - 1]:  # the last one is the item itself
                place = np.searchsorted(given, part)
                if place == len(given) or given[place] != part:
                    held = False
                    break
            if not held:
                continue
            known = best[follows]
            if known < 0 or (parts[rule], merit[rule]) > (parts[known], merit[known]):
                best[follows] = rule
    return best
