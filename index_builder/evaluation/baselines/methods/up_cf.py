"""UP-CF: what users with a similar taste bought in most of their last baskets.

Faggioli, Polato and Aiolli, "Recency aware collaborative filtering for next basket
recommendation", UMAP 2020. The paper predicts the whole next basket. Here a part of it is given,
and its items count more in the user's taste.
"""

import numpy as np

from index_builder.evaluation.baselines.methods.users import latest_first, user_matrix, with_basket
from index_builder.measuring.scorer import Scorer
from index_builder.transactions.encoded.encoding import EncodedTransactions
from index_builder.transactions.encoded.held_out import HeldOut
from service.support.arrays.array_types import Float32


def up_cf(
    encoded: EncodedTransactions,
    recent: int = 25,
    asymmetry: float = 0.5,
    locality: float = 5,
    basket_weight: float = 1,
) -> Scorer:
    """Sums the share of the last baskets that hold an item over all users, by similarity.

    For a user with the vector x, 1 for each item bought and basket_weight more for each given one,
    and another with y, it is (x·y / (|x|^2asymmetry |y|^2(1 - asymmetry)))^locality, the
    asymmetric cosine. The user takes part as any other, and is the most similar.

    Args:
        encoded: the training baskets.
        recent: the last baskets of a user that count, at most.
        asymmetry: between 0 and 1; at .5 it is the cosine, at 1 users with many items are not
            marked down for them.
        locality: above 0; the larger, the less do users count who are not similar.
        basket_weight: of the given items, at least 0.
    """
    place, count = latest_first(encoded.of_users.basket_user)
    shares = user_matrix(encoded, (place < recent) / np.minimum(count, recent))
    bought = user_matrix(encoded, np.ones(len(place)))
    bought.data[:] = 1
    by_item = bought.T.tocsr()
    sizes = np.maximum(np.diff(bought.indptr), 1)  # 1 where nothing was bought

    def score(basket: HeldOut) -> Float32:
        own = with_basket(bought, basket.user, basket.given, basket_weight)
        items = np.flatnonzero(own)
        common = own[items] @ by_item[items]
        cosine = common / ((own @ own) ** asymmetry * sizes ** (1 - asymmetry))
        scores: Float32 = (cosine**locality).astype(np.float32) @ shares
        return scores

    return score
