"""item-kNN: the items that are bought together with the items of the basket."""

import numpy as np
from scipy.sparse import csr_array

from index_builder.measuring.scorer import Scorer
from index_builder.transactions.encoded.basket_matrix import basket_matrix
from index_builder.transactions.encoded.encoding import EncodedTransactions
from index_builder.transactions.encoded.held_out import HeldOut
from service.support.arrays.array_types import Float32


def co_purchases(encoded: EncodedTransactions) -> csr_array:
    """The number of baskets with both of two items, (n_items, n_items) float32."""
    baskets = basket_matrix(encoded.basket_indptr, encoded.basket_items, encoded.n_items)
    return (baskets.T.tocsr() @ baskets).tocsr()


def item_knn(
    encoded: EncodedTransactions,
    shrinkage: float = 5,
    neighbour_power: float = 0.5,
    together: csr_array | None = None,
) -> Scorer:
    """Sums the shrunk cosine to every item of the basket.

    For an item i of the basket and a neighbour j, in n_i and n_j baskets and n_ij with both, that
    is n_ij / (n_i^(1 - power) n_j^power + shrinkage). At a power of .5 it is the cosine, at 0 the
    confidence of the rule i -> j, which prefers popular neighbours (the asymmetric cosine:
    Aiolli, "Efficient top-N recommendation for very large scale binary rated datasets", RecSys
    2013). All neighbours count.

    Args:
        encoded: the training baskets.
        shrinkage: in baskets; the larger, the less a small number of common baskets counts.
        neighbour_power: between 0 and 1.
        together: the result of `co_purchases`; computed here if it is None.
    """
    if together is None:
        together = co_purchases(encoded)
    count = np.maximum(encoded.item_count, 1).astype(np.float32)
    of_item = count ** np.float32(1 - neighbour_power)
    of_neighbour = count ** np.float32(neighbour_power)

    def score(basket: HeldOut) -> Float32:
        scores = np.zeros(encoded.n_items, np.float32)
        for item in basket.given.tolist():
            row = slice(*together.indptr[item : item + 2])
            near = together.indices[row]
            norm = of_item[item] * of_neighbour[near] + np.float32(shrinkage)
            scores[near] += together.data[row] / norm
        return scores

    return score
