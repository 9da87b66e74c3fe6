"""TIFU-KNN: how often a user and the most similar users bought an item, late baskets first.

Hu, He, Gao and Zhang, "Modeling personalized item frequency information for next-basket
recommendation", SIGIR 2020. The paper predicts the whole next basket. Here a part of it is given,
and counts as the user's newest basket.
"""

import numpy as np

from index_builder.evaluation.baselines.methods.users import latest_first, user_matrix, with_basket
from index_builder.measuring.scorer import Scorer
from index_builder.transactions.encoded.encoding import EncodedTransactions
from index_builder.transactions.encoded.held_out import HeldOut
from service.support.arrays.array_types import Float32, Float64, Int32


def tifu_knn(
    encoded: EncodedTransactions,
    group_size: int = 7,
    basket_decay: float = 0.9,
    group_decay: float = 0.7,
    neighbours: int = 300,
    own_share: float = 0.7,
    basket_weight: float = 1,
) -> Scorer:
    """Adds the user's own vector and the mean of the nearest users' vectors.

    A user's baskets, latest first, are cut into groups. The vector of a group is the decayed sum
    of its baskets over their number, that of a user the decayed sum of the groups over theirs; the
    latest is not decayed. The given items are added to the user's vector before the Euclidean
    distances to all users are measured; the user's own vector without them takes part as any other.

    Args:
        encoded: the training baskets.
        group_size: baskets in a group; the oldest group may have fewer.
        basket_decay: factor of each step back within a group, above 0.
        group_decay: factor of each group back, above 0.
        neighbours: number of nearest users.
        own_share: of the user's own vector in the score; the rest is that of the neighbours' mean.
        basket_weight: of a given item, where an item of all past baskets has 1 without decay.
    """
    weights = basket_weights(encoded.of_users.basket_user, group_size, basket_decay, group_decay)
    users = user_matrix(encoded, weights)
    by_item = users.T.tocsr()
    square = users.multiply(users).sum(axis=1)
    square[square == 0] = np.inf  # a user without baskets is nobody's neighbour
    nearest = min(neighbours, int(np.isfinite(square).sum()))

    def score(basket: HeldOut) -> Float32:
        own = with_basket(users, basket.user, basket.given, basket_weight)
        items = np.flatnonzero(own)
        distance = square - 2 * (own[items] @ by_item[items])  # squared, less the square of `own`
        near = np.argpartition(distance, nearest - 1)[:nearest]
        mean = users[near].sum(axis=0) / nearest
        scores: Float32 = (own_share * own + (1 - own_share) * mean).astype(np.float32)
        return scores

    return score


def basket_weights(
    basket_user: Int32, group_size: int, basket_decay: float, group_decay: float
) -> Float64:
    """What each basket counts in its user's vector, (n_baskets,); see `tifu_knn`.

    Args:
        basket_user: (n_baskets,) user indices, in the order in which the baskets began.
        group_size: as for `tifu_knn`, like the two after it.
        basket_decay: likewise.
        group_decay: likewise.
    """
    place, count = latest_first(basket_user)
    group, place = np.divmod(place, group_size)
    groups = -(-count // group_size)
    size = np.minimum(group_size, count - group * group_size)
    weights: Float64 = basket_decay**place / size * group_decay**group / groups
    return weights
