"""The items that the user bought most often, or most often recently."""

import numpy as np
import numpy.typing as npt

from index_builder.measuring.scorer import Scorer
from index_builder.statistics.histories import histories
from index_builder.transactions.encoded.encoding import EncodedTransactions
from index_builder.transactions.encoded.held_out import HeldOut
from service.support.arrays.array_types import Float32, Int32, Int64


def purchases(
    indptr: Int64,
    item: Int32,
    weight: npt.NDArray[np.integer | np.floating],
    n_items: int,
) -> Scorer:
    """Scores the items that the user bought by their weights, all others by 0.

    Args:
        indptr: (n_users + 1,) the purchases of user u are rows indptr[u]:indptr[u + 1].
        item: (n,) item indices, distinct for each user.
        weight: (n,) above 0.
        n_items: number of items.
    """

    def score(basket: HeldOut) -> Float32:
        own = slice(*indptr[basket.user : basket.user + 2])
        scores = np.zeros(n_items, np.float32)
        scores[item[own]] = weight[own]
        return scores

    return score


def user_frequency(encoded: EncodedTransactions) -> Scorer:
    """Scores by the number of the user's training baskets with the item."""
    past = histories(encoded.of_users, encoded.n_users, encoded.n_items, np.inf)
    return purchases(past.indptr, past.item, past.count, encoded.n_items)


def recency_frequency(encoded: EncodedTransactions, half_life_days: float) -> Scorer:
    """Scores by `Histories.recency`: like the frequency, but older baskets count less."""
    past = histories(encoded.of_users, encoded.n_users, encoded.n_items, half_life_days)
    return purchases(past.indptr, past.item, past.recency, encoded.n_items)
