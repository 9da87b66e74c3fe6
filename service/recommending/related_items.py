"""Related products: what association rules say of the items that somebody looks at or has.

The rules are filed by the last item of their antecedent, which is the rarest, so that even a large
basket meets few rules whose antecedent it does not hold.
"""

from typing import NamedTuple

import numba
import numpy as np

from service.bundle.arrays import Arrays
from service.support.array_types import Bool, Float32, Int8, Int32, Int64

__all__ = ["Related", "RelatedItems", "Rule"]


class Rule(NamedTuple):
    """One rule, by item indices; see `index_builder.rules.association_rules` for its measures."""

    antecedent: list[int]
    consequent: int
    support: float
    confidence: float
    lift: float


class Related(NamedTuple):
    """An item that goes with others, and the rule that says so; None for a best seller."""

    item_index: int
    rule: Rule | None


class RelatedItems:
    """Looks up rules in the arrays of one bundle; safe to share between threads."""

    def __init__(self, arrays: Arrays) -> None:
        """Prepares what all requests share.

        Args:
            arrays: with the group of the rules.
        """
        self._indptr = arrays.required("rule_indptr", "related products")
        self._antecedent = arrays.required("rule_antecedent", "related products")
        self._consequent = arrays.required("rule_consequent", "related products")
        self._support = arrays.required("rule_support", "related products")
        self._confidence = arrays.required("rule_confidence", "related products")
        self._lift = arrays.required("rule_lift", "related products")
        self._parts = (self._antecedent >= 0).sum(axis=1, dtype=np.int8)
        self._merit = self._lift * self._confidence

    def related(self, given: Int32, k: int, allowed: Bool | None = None) -> list[Related]:
        """Returns k items that go with those given, each once and none of the given ones.

        First what follows from rules whose whole antecedent is given: the longest antecedent first,
        then the largest lift × confidence, then the most popular item, each with its first rule.
        Then the best sellers. There are fewer than k only if the catalogue has no more.

        Args:
            given: distinct item indices, ascending.
            k: 1 or more.
            allowed: (n_items,) which items may be returned; None allows all.
        """
        n_items = len(self._indptr) - 1
        eligible = np.ones(n_items, np.bool_) if allowed is None else allowed.copy()
        eligible[given] = False
        rules = self._best_rules(given, eligible)[:k]
        ruled = self._consequent[rules]
        eligible[ruled] = False
        sellers = _first(eligible, k - len(rules))
        found = [Related(rule.consequent, rule) for rule in map(self._rule, rules.tolist())]
        return found + [Related(item, None) for item in sellers.tolist()]

    def _best_rules(self, given: Int32, eligible: Bool) -> Int32:
        """The best rule of each consequent, best first."""
        rules = _match(
            given,
            eligible,
            self._indptr,
            self._antecedent,
            self._consequent,
            self._parts,
            self._merit,
        )
        order = np.lexsort((self._consequent[rules], -self._merit[rules], -self._parts[rules]))
        return rules[order]

    def _rule(self, rule: int) -> Rule:
        return Rule(
            self._antecedent[rule, : self._parts[rule]].tolist(),
            int(self._consequent[rule]),
            float(self._support[rule]),
            float(self._confidence[rule]),
            float(self._lift[rule]),
        )


@numba.njit(nogil=True, cache=True)
def _match(
    given: Int32,
    eligible: Bool,
    indptr: Int64,
    antecedent: Int32,
    consequent: Int32,
    parts: Int8,
    merit: Float32,
) -> Int32:
    """The best rule of each eligible consequent whose antecedent is given, by consequent."""
    best = np.full(len(eligible), -1, np.int32)
    found = 0
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
            if known < 0:
                found += 1
                best[follows] = rule
            elif (parts[rule], merit[rule]) > (parts[known], merit[known]):
                best[follows] = rule
    rules = np.empty(found, np.int32)
    place = 0
    for kept in best:
        if kept >= 0:
            rules[place] = kept
            place += 1
    return rules


@numba.njit(nogil=True, cache=True)
def _first(eligible: Bool, count: int) -> Int32:
    """The first eligible items, which are the most popular ones."""
    items = np.empty(count, np.int32)
    place = 0
    for item in range(len(eligible)):
        if place == count:
            break
        if eligible[item]:
            items[place] = item
            place += 1
    return items[:place]
