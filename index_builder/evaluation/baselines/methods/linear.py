"""Linear models of items: each item of the input adds its row of weights to the scores."""

from functools import lru_cache

from scipy.sparse import csr_array

from index_builder.measuring.scorer import Scorer
from index_builder.statistics.histories import histories
from index_builder.transactions.encoded.encoding import EncodedTransactions
from index_builder.transactions.encoded.held_out import HeldOut
from service.support.arrays.array_types import Float32

_KEPT_USERS = 3000  # their scores, 4 bytes · n_items each


def of_basket(weights: Float32 | csr_array) -> Scorer:
    """Sums the rows of the basket's items.

    Args:
        weights: (n_items, n_items) float32, dense or sparse; row i is what item i adds.
    """

    def score(basket: HeldOut) -> Float32:
        scores: Float32 = weights[basket.given].sum(axis=0)
        return scores

    return score


def of_history(weights: Float32, encoded: EncodedTransactions, half_life_days: float) -> Scorer:
    """Sums the rows of the items that the user bought, each by its `Histories.recency`.

    Args:
        weights: as for `of_basket`, dense.
        encoded: the training baskets.
        half_life_days: of a basket's weight in the recency.
    """
    past = histories(encoded.of_users, encoded.n_users, encoded.n_items, half_life_days)

    @lru_cache(_KEPT_USERS)
    def of_user(user: int) -> Float32:
        own = slice(*past.indptr[user : user + 2])
        row = csr_array(
            (past.recency[own], past.item[own], [0, len(past.item[own])]),
            shape=(1, encoded.n_items),
        )
        scores: Float32 = (row @ weights)[0]
        return scores

    return lambda basket: of_user(basket.user)
