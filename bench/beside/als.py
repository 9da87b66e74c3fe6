"""What `implicit` offers for baskets: matrix factorisation by alternating least squares.

It is fitted on how often each user bought each item. A request's factor is solved for anew, from
the user's purchases and the basket: that finds more than the factor that was fitted for the user.
"""

from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from scipy.sparse import csr_matrix, load_npz, save_npz
from threadpoolctl import threadpool_limits

from index_builder.evaluation.baselines.methods.users import user_matrix
from index_builder.transactions.encoded.encoding import EncodedTransactions
from index_builder.transactions.encoded.held_out import HeldOut
from service.support.arrays.array_types import Float32, Int32
from service.support.durations import DAY_S

__all__ = ["Als", "AlsSettings"]

_MODEL, _PURCHASES = "model.npz", "purchases.npz"


class AlsSettings(NamedTuple):
    """Settings; the defaults were chosen on the demo, see `bench.beside.tuning`.

    Attributes:
        factors: length of the vectors.
        regularisation: of the vectors.
        alpha: weight of a purchase, beside 1 of what was not bought.
        iterations: of the fit.
        half_life_days: after which a purchase counts half in a request; the fit counts all alike.
        basket_weight: what an item of the basket counts, beside 1 of a purchase today.
    """

    factors: int = 256
    regularisation: float = 10
    alpha: float = 0.3
    iterations: int = 8
    half_life_days: float = 30
    basket_weight: float = 20


class Als:
    """A fitted model, with what each user has bought."""

    def __init__(self, model: Any, purchases: csr_matrix, basket_weight: float) -> None:
        """Takes the parts.

        Args:
            model: of `implicit`.
            purchases: (n_users, n_items) float32, what each user's purchases count in a request.
            basket_weight: what an item of the basket counts.
        """
        self._model = model
        self._purchases = purchases
        self._basket_weight = np.float32(basket_weight)

    @classmethod
    def fit(cls, encoded: EncodedTransactions, settings: AlsSettings, seed: int = 0) -> Self:
        """Fits on training baskets, on one thread."""
        from implicit.als import AlternatingLeastSquares

        begun = encoded.of_users.basket_begun
        recency = 0.5 ** ((begun.max() - begun) / (settings.half_life_days * DAY_S))
        counts = csr_matrix(user_matrix(encoded, np.ones(len(begun))))
        with threadpool_limits(1, "blas"):  # the library wants that
            model = AlternatingLeastSquares(
                settings.factors,
                settings.regularisation,
                settings.alpha,
                iterations=settings.iterations,
                num_threads=1,
                random_state=seed,
            )
            model.fit(counts, show_progress=False)
        return cls(model, csr_matrix(user_matrix(encoded, recency)), settings.basket_weight)

    def save(self, folder: Path) -> None:
        """Writes files for `load`."""
        self._model.save(folder / _MODEL)
        save_npz(folder / _PURCHASES, self._purchases)
        (folder / "basket_weight").write_text(str(self._basket_weight))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` has written."""
        from implicit.cpu.als import AlternatingLeastSquares

        model = AlternatingLeastSquares.load(str(folder / _MODEL))
        weight = float((folder / "basket_weight").read_text())
        return cls(model, load_npz(folder / _PURCHASES), weight)

    def recommend(self, user: int | None, basket: Int32, k: int) -> tuple[Int32, Float32]:
        """Recommends for one basket.

        Args:
            user: user index, None for a stranger.
            basket: distinct item indices.
            k: how many.

        Returns:
            Item indices, none of the basket, best first, and their scores; (k,) each.
        """
        row = self._request(user, basket)
        found: tuple[Int32, Float32] = self._model.recommend(
            0,
            row,
            N=k,
            filter_already_liked_items=False,
            filter_items=basket,
            recalculate_user=True,
        )
        return found

    def scores(self, basket: HeldOut) -> Float32:
        """The scores of all items for a held-out basket, (n_items,)."""
        factor = self._model.recalculate_user(0, self._request(basket.user, basket.given))
        scores: Float32 = self._model.item_factors @ factor
        return scores

    def _request(self, user: int | None, basket: Int32) -> csr_matrix:
        """(1, n_items): the user's purchases, and the basket."""
        items, counts = basket, np.full(len(basket), self._basket_weight)
        if user is not None:
            own = slice(*self._purchases.indptr[user : user + 2])
            items = np.concatenate([self._purchases.indices[own], items])
            counts = np.concatenate([self._purchases.data[own], counts])
        row = csr_matrix((counts, items, [0, len(items)]), shape=(1, self._purchases.shape[1]))
        row.sum_duplicates()
        return row
