"""triple2vec and RTT2Vec as published: vectors alone, without prior and history."""

from index_builder.config import TrainConfig
from index_builder.embeddings.embeddings import Embeddings
from index_builder.embeddings.triple2vec import train
from index_builder.measuring.scorer import Scorer
from index_builder.transactions.encoded.encoding import EncodedTransactions
from index_builder.transactions.encoded.held_out import HeldOut
from service.support.arrays.array_types import Float32

DIMENSION = 64


def train_published(encoded: EncodedTransactions, config: TrainConfig, epochs: int) -> Embeddings:
    """Trains 64 dimensions by plain NCE, so that the vectors must learn popularity too.

    Args:
        encoded: the training baskets.
        config: negatives, learning rate, threads and seed.
        epochs: triples per line of the baskets.

    Raises:
        TrainingError: see `train`.
    """
    plain = config.model_copy(update={"dimension": DIMENSION, "popularity_logit": False})
    triples = epochs * len(encoded.basket_items)
    return train(encoded, encoded.n_items, encoded.n_user_rows, plain, triples)


def triple2vec_without_user(vectors: Embeddings) -> Scorer:
    """Sums p_i·q_j over the basket's items i (Wan et al., CIKM 2018, less the user)."""

    def score(basket: HeldOut) -> Float32:
        scores: Float32 = vectors.item_q @ vectors.item_p[basket.given].sum(axis=0)
        return scores

    return score


def triple2vec(vectors: Embeddings) -> Scorer:
    """Sums the cohesion score over the basket's items i: (p_i + h_u)·q_j (Wan et al.)."""

    def score(basket: HeldOut) -> Float32:
        anchors = vectors.item_p[basket.given] + vectors.user_h[basket.user]
        scores: Float32 = vectors.item_q @ anchors.sum(axis=0)
        return scores

    return score


def rtt2vec(vectors: Embeddings) -> Scorer:
    """Sums [q_i + h_u ; p_i + h_u]·[p_j ; q_j] over the items i (Mantha et al., 2019, Eq. 4)."""

    def score(basket: HeldOut) -> Float32:
        user = vectors.user_h[basket.user]
        from_q = (vectors.item_q[basket.given] + user).sum(axis=0)
        from_p = (vectors.item_p[basket.given] + user).sum(axis=0)
        scores: Float32 = vectors.item_p @ from_q + vectors.item_q @ from_p
        return scores

    return score
