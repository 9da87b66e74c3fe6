"""The neighbourhood ridge: each item is predicted from its neighbours alone.

The linear model that a bundle's neighbour weights come from; see
`index_builder.statistics.neighbour_weights`.
"""

from scipy.sparse import csr_array

from index_builder.statistics.neighbour_weights import neighbour_weights
from index_builder.statistics.neighbours import neighbours
from index_builder.transactions.encoded.encoding import EncodedTransactions


def ridge_weights(
    encoded: EncodedTransactions, regularisation: float = 50, limit: int = 100
) -> csr_array:
    """What each item adds to the score of its neighbours: (n_items, n_items) float32.

    Args:
        encoded: the training baskets.
        regularisation: lambda, above 0, in baskets.
        limit: neighbours of each item, those with the largest cosine.
    """
    near = neighbours(encoded, limit)
    weights = neighbour_weights(encoded, near, regularisation).to
    return csr_array((weights, near.item, near.indptr), shape=(encoded.n_items, encoded.n_items))
