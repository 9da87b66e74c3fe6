"""Basket completion: user vectors and dual item vectors that find the rest of a basket.

A part of each basket is hidden and predicted from the items that are left, given, by a softmax over
the catalogue without these. The logit of item j is what the service scores by (Eq. 4 of the RTT2Vec
paper), with the popularity prior and the user's own habit beside it:

    Σ over given items i of (q_i·p_j + p_i·q_j) / √(number given)  +  h_u·(p_j + q_j)
    + w · log pop_j  +  c · log(1 + 30 · recency_uj)

The weights w and c are learned too. The user's vector is left out for a share of the baskets, as if
a stranger had bought them, so that the items must explain what they can. The habit, what the user
bought before that basket, stands in the logits of a share of the baskets, drawn apart from the
strangers; there the vectors learn what habit does not say.

In a large catalogue the softmax runs over a sample: the hidden items of the mini-batch, and others
drawn with a probability that grows with popularity. Each is weighted by one over its probability to
be in the sample, but the hidden items of the basket itself by one.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from threadpoolctl import threadpool_limits

from index_builder.config import TrainConfig
from index_builder.embeddings.checkpoints import Checkpoint, State, forms_of
from index_builder.embeddings.completion.mini_batches import Sampler
from index_builder.embeddings.completion.model import Model
from index_builder.embeddings.embeddings import Embeddings, Step, check
from index_builder.transactions.encoded.encoding import EncodedBaskets

_LOOKS_PER_EPOCH = 10


def train(
    baskets: EncodedBaskets,
    n_items: int,
    n_users: int,
    config: TrainConfig,
    epochs: int,
    on_step: Callable[[Step, Embeddings], bool] = lambda _step, _embeddings: False,
) -> Embeddings:
    """Trains on every basket of two items or more, once an epoch; on very few more often.

    The learning rate falls linearly over `config.most_epochs`, to zero after the last.

    Args:
        baskets: the training baskets, ordered by their start.
        n_items: rows of the item tables.
        n_users: number of users. Baskets of later ones are guests': predicted without a user, and
            their rows of the user table stay zero.
        config: see `CompletionConfig`.
        epochs: training ends after so many, at most `config.most_epochs`.
        on_step: called with the progress and the unfinished tables, which it must not change;
            training ends early when it returns True.

    Raises:
        TrainingError: no basket holds two items, or the tables turned non-finite or collapsed.
    """
    checkpoint = Checkpoint(config, baskets, n_items, n_users, epochs)
    sampler = Sampler(baskets, n_items, n_users, config)
    model = Model(baskets, n_items, n_users, sampler.correction, config)

    def state() -> State:
        return {**model.state(), **sampler.state()}

    if (saved := checkpoint.read(forms_of(state()))) is not None:
        sampler.resume(saved)
        model.resume(saved)
    look = max(1, sampler.steps // _LOOKS_PER_EPOCH)
    lines = len(baskets.basket_items)
    most = _most_steps(config, sampler.steps, lines)
    wanted = min(epochs * sampler.steps, most)
    batches, seen, loss = sampler.batches(), 0, 0.0
    with ThreadPoolExecutor(config.threads) as pool, threadpool_limits(1, "blas"):
        while (done := model.steps) < wanted:
            batch = next(batches)
            rate = config.completion.learning_rate * (1 - done / most)
            loss += model.step(batch, rate, pool)
            done, seen = done + 1, seen + len(batch.baskets)
            if done % sampler.steps % look and done < wanted:  # an epoch always ends with a look
                continue
            check(model.embeddings())
            shown = Step(round(done / sampler.steps * lines), loss / seen)
            seen, loss = 0, 0.0
            if on_step(shown, model.embeddings()):
                break
            checkpoint.keep(state, at_once=done == wanted)
    return model.embeddings()


def _most_steps(config: TrainConfig, per_epoch: int, lines: int) -> int:
    """The steps over which the learning rate falls."""
    steps = config.most_epochs * per_epoch
    if config.max_triples is None:
        return steps
    return max(1, min(steps, config.max_triples * per_epoch // lines))
