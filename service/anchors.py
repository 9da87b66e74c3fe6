"""The basket-anchor set: the basket items that queries are built from."""

import hashlib

import numpy as np
import numpy.typing as npt

__all__ = ["choose_anchors"]


def choose_anchors(
    basket: npt.NDArray[np.int32], limit: int, fraction: float, *names: str
) -> npt.NDArray[np.int32]:
    """Returns every item of a small basket, a random share of a large one.

    Args:
        basket: distinct item indices in ascending order, so that the order in which the shopper
            added them changes nothing.
        limit: baskets up to this many items are taken whole.
        fraction: share of a larger basket that is sampled; never fewer than `limit` items, so
            that one more item in the basket does not halve the anchors.
        names: what else seeds the sample (user, bundle): the same request to the same bundle
            gives the same anchors.
    """
    if len(basket) <= limit:
        return basket
    # "surrogatepass": an id is whatever text the caller sent, and none of it is an error.
    seeds = "\0".join(names).encode(errors="surrogatepass") + basket.tobytes()
    seed = hashlib.blake2b(seeds, digest_size=8).digest()
    count = max(limit, round(fraction * len(basket)))
    rng = np.random.default_rng(int.from_bytes(seed))
    return np.sort(rng.choice(basket, count, replace=False))
