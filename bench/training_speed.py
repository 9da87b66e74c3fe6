"""Training speed of triple2vec and of gensim's Word2Vec on the same baskets, in one run.

The common unit is the vector update: the dot product of a context vector with an output vector,
and the gradient step that follows. A triple has 3 terms of 1 + negatives updates each; a (word,
context) pair of skip-gram has one such term. Both skip a negative that equals the positive; both
are counted as if they did not.

gensim's windows have a fixed size here (`shrink_windows=False`) and nothing is downsampled
(`sample=0`), so the lengths of the baskets alone give the number of pairs. Reading, vocabulary,
compilation and a first short run are not timed.
"""

import argparse
from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np

from index_builder.config import TrainConfig
from index_builder.embeddings.triple2vec import train
from index_builder.transactions.datasets import completejourney
from index_builder.transactions.encoded.encoding import EncodedTransactions, encode

WINDOW = 5


def main() -> None:
    """Time both in turn; print every run and the medians."""
    arguments = _arguments()
    config = TrainConfig(
        dimension=arguments.dimension, negatives=arguments.negatives, threads=arguments.threads
    )
    baskets = encode(*completejourney.read())
    print(
        f"The Complete Journey: {baskets.n_baskets:,} baskets of {baskets.n_items:,} items; "
        f"d={config.dimension}, {config.negatives} negatives, {config.threads} threads.\n"
        "Millions per second, one run per line:\n\n"
        "   triples   updates   gensim's updates   ratio"
    )
    ours = triples_per_s(baskets, config, arguments.triples)
    gensims = _word2vec(baskets, config)
    runs = []
    for _ in range(arguments.repeats):
        triples, pairs = ours(), gensims()
        per_term = 1 + config.negatives
        runs.append((triples, 3 * per_term * triples, per_term * pairs))
        _show(*runs[-1])
    print("median:")
    _show(*(median(column) for column in zip(*runs, strict=True)))


def _show(triples: float, updates: float, gensims_updates: float) -> None:
    ratio = updates / gensims_updates
    print(f"{triples / 1e6:10.2f}{updates / 1e6:10.1f}{gensims_updates / 1e6:19.1f}{ratio:8.2f}")


def triples_per_s(
    baskets: EncodedTransactions, config: TrainConfig, triples: int
) -> Callable[[], float]:
    """Returns a function that trains once and returns triples per second; all is compiled."""

    def run(count: int = triples) -> float:
        return _speed(
            count, lambda: train(baskets, baskets.n_items, baskets.n_users, config, count)
        )

    run(1000)
    return run


def _word2vec(baskets: EncodedTransactions, config: TrainConfig) -> Callable[[], float]:
    """Returns a function that trains once on all baskets and returns (word, context) pairs/s."""
    from gensim.models import Word2Vec  # imported here: not available for every Python

    sentences = [
        list(map(str, basket))
        for basket in np.split(baskets.basket_items, baskets.basket_indptr[1:-1])
    ]
    model = Word2Vec(
        vector_size=config.dimension,
        negative=config.negatives,
        workers=config.threads,
        sg=1,
        window=WINDOW,
        shrink_windows=False,
        min_count=1,
        sample=0,
    )
    model.build_vocab(sentences)

    def run(part: list[list[str]] = sentences) -> float:
        return _speed(_pairs(part), lambda: model.train(part, total_examples=len(part), epochs=1))

    run(sentences[:1000])
    return run


def _pairs(sentences: list[list[str]]) -> int:
    """Number of (word, context) pairs, with WINDOW words before and after each word."""
    return sum(2 * min(before, WINDOW) for sentence in sentences for before in range(len(sentence)))


def _speed(count: int, work: Callable[[], object]) -> float:
    began = perf_counter()
    work()
    return count / (perf_counter() - began)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("training_speed.py", description=__doc__)
    add = parser.add_argument
    add("--repeats", type=int, default=5, help="runs of each (%(default)s)")
    add("--triples", type=int, default=4_000_000, help="triples of a run (%(default)s)")
    add("--dimension", type=int, default=64, help="length of the vectors (%(default)s)")
    add("--negatives", type=int, default=5, help="noise samples per term (%(default)s)")
    add("--threads", type=int, default=2, help="training threads (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
