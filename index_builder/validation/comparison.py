"""The comparison: the bundle's recommender beside the simplest ranking functions."""

from collections.abc import Sequence

from index_builder.measuring.popularity import item_popularity
from index_builder.measuring.purchases import purchases
from index_builder.measuring.quality import Measured, RankingFunction, measure, ranking_function
from index_builder.measuring.scorer import Scorer, top
from index_builder.transactions.encoded.held_out import HeldOut
from service.bundle.bundle import Bundle
from service.recommending.recommender import Recommender
from service.recommending.weights import Weights
from service.settings import RecommendOptions


def compare(bundle: Bundle, baskets: Sequence[HeldOut]) -> dict[str, Measured]:
    """Measures every method on the same baskets, which all began after the bundle's cut."""
    serving = bundle.manifest.serving
    blended = RecommendOptions(ranker=False)
    no_history = RecommendOptions(ranker=False, history_candidates=0)
    vectors_alone = Recommender(bundle, no_history, Weights.read(serving, "vectors_"))
    methods: dict[str, RankingFunction] = {
        "item popularity": top(item_popularity(bundle)),
        "user frequency": top(_frequency(bundle)),
        "RTT2Vec: vectors and prior": ranking_function(vectors_alone, bundle),
        "RTT2Vec with history": ranking_function(Recommender(bundle, blended), bundle),
    }
    if bundle.tree_root is not None:
        methods["RTT2Vec, ranked"] = ranking_function(Recommender(bundle), bundle)
    return {name: measure(rank, baskets, bundle) for name, rank in methods.items()}


def _frequency(bundle: Bundle) -> Scorer:
    return purchases(
        bundle.history_indptr, bundle.history_item, bundle.history_count, len(bundle.catalogue)
    )
