"""All opponents, each tuned and then fitted on the training baskets."""

from collections.abc import Iterator
from datetime import datetime

from rich.console import Console

from index_builder.config import TrainConfig
from index_builder.evaluation.baselines.counted import counted
from index_builder.evaluation.baselines.learned import learned
from index_builder.evaluation.baselines.opponent import Opponent
from index_builder.evaluation.baselines.similar_users import similar_users
from index_builder.evaluation.baselines.tuning import last_days
from index_builder.measuring.popularity import item_popularity
from index_builder.measuring.purchases import user_frequency
from index_builder.measuring.scorer import top
from index_builder.transactions.encoded.encoding import EncodedTransactions


def opponents(
    encoded: EncodedTransactions, as_of: datetime, config: TrainConfig, console: Console
) -> Iterator[Opponent]:
    """Yields the opponents; each is fitted when it is needed.

    Hyperparameters are chosen by recall in the last days before the cut, with models of the time
    before; the models are then fitted again on all training baskets.

    Args:
        encoded: the training baskets.
        as_of: the cut, naive UTC.
        config: threads and seed; for the vectors of the papers, negatives and learning rate too.
        console: where the settings are shown, and the opponents that are left out.
    """
    yield Opponent("item popularity", top(item_popularity(encoded)))
    yield Opponent("user frequency", top(user_frequency(encoded)))
    days = last_days(encoded, as_of, config.seed)
    yield from counted(encoded, days, console)
    yield from similar_users(encoded, days, console)
    yield from learned(encoded, days, config, console)
