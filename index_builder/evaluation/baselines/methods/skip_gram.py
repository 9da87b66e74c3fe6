"""item2vec and BB2vec: skip-gram with baskets as sentences, by gensim's Word2Vec.

gensim is optional: nothing else needs it.
"""

from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from index_builder.measuring.scorer import Scorer
from index_builder.transactions.encoded.encoding import EncodedTransactions
from index_builder.transactions.encoded.held_out import HeldOut
from service.support.arrays.array_types import Float32

DIMENSION = 64
_LEARNING_RATE = 0.1  # gensim's own, .025, needs several times the epochs
_PAIRS = 80_000_000  # learned from in all epochs, about
_FEWEST_EPOCHS, _MOST_EPOCHS = 3, 30


@dataclass(frozen=True)
class SkipGram:
    """Input and output vectors, (n_items, d) float32 each; zero where nothing was learned."""

    inputs: Float32
    outputs: Float32


def gensim_is_installed() -> bool:
    """Whether `skip_gram` can be called."""
    return find_spec("gensim") is not None


def skip_gram(
    encoded: EncodedTransactions, noise_power: float = 0.75, threads: int = 2, seed: int = 1
) -> SkipGram:
    """Trains skip-gram vectors with the whole basket as the window.

    Few baskets get more epochs, so that about as many pairs are learned from; at least 3 epochs.

    Args:
        encoded: the training baskets.
        noise_power: noise is drawn by count^power; at 0, all items are equally likely.
        threads: 1 is reproducible.
        seed: of vectors and noise.
    """
    from gensim.models import Word2Vec

    items = encoded.basket_items.astype(str)
    sentences = [basket.tolist() for basket in np.split(items, encoded.basket_indptr[1:-1])]
    sizes = encoded.basket_sizes
    pairs = int((sizes * (sizes - 1)).sum())
    model = Word2Vec(
        [sentence for sentence in sentences if len(sentence) > 1],
        vector_size=DIMENSION,
        window=int(sizes.max()),
        shrink_windows=False,
        sg=1,
        hs=0,
        negative=5,
        ns_exponent=noise_power,
        sample=0,
        min_count=1,
        alpha=_LEARNING_RATE,
        epochs=int(np.clip(round(_PAIRS / max(1, pairs)), _FEWEST_EPOCHS, _MOST_EPOCHS)),
        workers=threads,
        seed=seed,
    )
    learned = np.array(model.wv.index_to_key, int)
    vectors = SkipGram(*np.zeros((2, encoded.n_items, DIMENSION), np.float32))
    vectors.inputs[learned] = model.wv.vectors
    vectors.outputs[learned] = model.syn1neg
    return vectors


def item2vec(vectors: SkipGram) -> Scorer:
    """Scores by the cosine of an item's input vector to the mean of the basket's unit vectors.

    Barkan and Koenigstein, "item2vec: neural item embedding for collaborative filtering", 2016.
    """
    norms = np.linalg.norm(vectors.inputs, axis=1, keepdims=True)
    unit = vectors.inputs / np.maximum(norms, np.float32(1e-12))

    def score(basket: HeldOut) -> Float32:
        # The norm of the mean would not change the order.
        scores: Float32 = unit @ unit[basket.given].sum(axis=0)
        return scores

    return score


def bb2vec(vectors: SkipGram) -> Scorer:
    """Scores by the sum over the basket of input vector · output vector.

    Trofimov, "Inferring complementary products from baskets and browsing sessions", 2018, without
    the browsing sessions.
    """

    def score(basket: HeldOut) -> Float32:
        scores: Float32 = vectors.outputs @ vectors.inputs[basket.given].sum(axis=0)
        return scores

    return score
