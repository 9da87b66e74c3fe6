"""EASE: the linear model that predicts each item of a basket from the other items.

Steck, "Embarrassingly shallow autoencoders for sparse data", WWW 2019.
"""

import numpy as np
from scipy.linalg import lapack

from index_builder.transactions.encoded.basket_matrix import basket_matrix, co_purchase_blocks
from index_builder.transactions.encoded.encoding import EncodedTransactions
from service.support.arrays.array_types import Float32

MOST_ITEMS = 30_000  # their matrix, 4 bytes · n_items², takes 3.6 GB

_BLOCK_ITEMS = 1024  # rows that are made dense, or mirrored, at a time


def ease_weights(encoded: EncodedTransactions, regularisation: float = 100) -> Float32:
    """B, which has a zero diagonal and minimises |X - XB|^2 + regularisation |B|^2.

    X are the training baskets. With P the inverse of X'X + regularisation I, B_ij = -P_ij / P_jj
    (Steck, eq. 8).

    Args:
        encoded: the training baskets.
        regularisation: lambda, above 0.

    Returns:
        (n_items, n_items) float32; row i is what item i of a basket adds to the scores.

    Raises:
        ValueError: more than MOST_ITEMS items.
    """
    if encoded.n_items > MOST_ITEMS:
        raise ValueError(f"expected at most {MOST_ITEMS:,} items, found {encoded.n_items:,}")
    weights = _gram(encoded)
    weights[np.diag_indices(len(weights))] += np.float32(regularisation)
    weights = _inverse(weights)
    weights /= -weights.diagonal()  # column j by -P_jj
    np.fill_diagonal(weights, 0)
    return weights


def _gram(encoded: EncodedTransactions) -> Float32:
    """X'X, dense, (n_items, n_items)."""
    baskets = basket_matrix(encoded.basket_indptr, encoded.basket_items, encoded.n_items)
    gram = np.empty((encoded.n_items, encoded.n_items), np.float32)
    for block, rows in co_purchase_blocks(baskets, _BLOCK_ITEMS):
        rows.toarray(out=gram[block])
    return gram


def _inverse(matrix: Float32) -> Float32:
    """Inverts a symmetric positive definite matrix in place, by Cholesky."""
    transposed = matrix.T  # the memory order of LAPACK, so that it need not copy
    factor, failed = lapack.spotrf(transposed, lower=0, clean=0, overwrite_a=1)
    if failed:
        raise np.linalg.LinAlgError("not positive definite: raise the regularisation")
    inverse: Float32 = lapack.spotri(factor, lower=0, overwrite_c=1)[0].T  # the lower triangle
    for start in range(0, len(inverse), _BLOCK_ITEMS):
        stop = start + _BLOCK_ITEMS
        corner = np.tril(inverse[start:stop, start:stop])
        inverse[start:stop, start:stop] = corner + np.tril(corner, -1).T
        inverse[start:stop, stop:] = inverse[stop:, start:stop].T
    return inverse
