"""ItemPop: the best sellers, the same for all users."""

from index_builder.measuring.scorer import Scorer
from index_builder.transactions.encoded.encoding import EncodedTransactions
from index_builder.transactions.encoded.held_out import HeldOut
from service.bundle.bundle import Bundle
from service.support.arrays.array_types import Float32


def item_popularity(shop: EncodedTransactions | Bundle) -> Scorer:
    """Scores by the number of training baskets with the item."""
    count = shop.item_count.astype("float32")

    def score(_: HeldOut) -> Float32:
        return count

    return score
