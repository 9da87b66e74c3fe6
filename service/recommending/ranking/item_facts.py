"""The facts of every item from which features are made, the same for all requests."""

import numpy as np

from service.bundle.bundle import Bundle
from service.support.arrays.array_types import Records
from service.support.arrays.cache_lines import empty_lines, line_of

_LEVELS = ("subcategory", "category", "department")
_TREND = ("log_popularity_7d", "log_popularity_14d", "log_popularity_30d", "log_popularity_90d")
_RHYTHM = ("log_buyers", "purchases_per_buyer", "typical_gap_days", "new_buyer_share")

# The facts of an item fill one line of the processor's cache: candidates are spread over the
# catalogue, and each costs the fetch of a line.
FACTS = line_of(
    [
        *((level, np.int32) for level in _LEVELS),
        ("basket_share", np.float32),
        *((name, np.float32) for name in _TREND),
        ("log_share_of_subcategory", np.float32),
        *((name, np.float32) for name in _RHYTHM),
    ]
)


def item_facts(bundle: Bundle, n_baskets: int) -> Records:
    """The facts of every item.

    Args:
        bundle: one with `item_trend` and `item_rhythm`.
        n_baskets: number of baskets that `item_count` counts.

    Returns:
        (n_items,) of FACTS; items without a name at a level of the taxonomy share one code there.

    Raises:
        BundleInvalidError: the bundle lacks one of them.
    """
    facts = empty_lines(len(bundle.catalogue), FACTS)
    for name, level in bundle.catalogue.taxonomy._asdict().items():
        facts[name] = level.codes_of_all()
    facts["basket_share"] = bundle.item_count.astype(np.float32) / np.float32(n_baskets)
    for names, array in ((_TREND, "item_trend"), (_RHYTHM, "item_rhythm")):
        for name, column in zip(names, bundle.required(array, "the ranker").T, strict=True):
            facts[name] = column
    purchases, subcategory = np.exp(facts["log_popularity_30d"]), facts["subcategory"]
    shares = purchases / np.bincount(subcategory, purchases)[subcategory]
    facts["log_share_of_subcategory"] = np.log(shares)
    return facts
