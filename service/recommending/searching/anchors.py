"""The basket-anchor set: the basket items that queries are built from."""

import hashlib

import numpy as np

from service.support.arrays.array_types import Int32


def choose_anchors(basket: Int32, limit: int, fraction: float, *names: str) -> Int32:
    """Returns every item of a small basket, a random share of a large one.

    Args:
        basket: (n,) int32, distinct item indices in ascending order, so that the order in which
            items were added changes nothing.
        limit: baskets up to this many items are taken whole.
        fraction: share of a larger basket that is sampled; never fewer than `limit` items, so
            that one more item in the basket does not halve the anchors.
        names: also seed the sample (user, bundle), so that the same request to the same bundle
            gives the same anchors.
    """
    if len(basket) <= limit:
        return basket
    # "surrogatepass": an id may be any text, and none of it is an error.
    seeds = "\0".join(names).encode(errors="surrogatepass") + basket.tobytes()
    count = max(limit, round(fraction * len(basket)))
    # A long digest gives a random number for every item faster than a generator is set up.
    drawn = np.frombuffer(hashlib.shake_128(seeds).digest(8 * len(basket)), "<u8")
    return basket[np.sort(np.argsort(drawn)[:count])]
