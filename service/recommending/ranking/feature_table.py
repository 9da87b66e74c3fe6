"""The data that the features of all requests are made from."""

from threading import local

import numpy as np

from service.bundle.bundle import Bundle
from service.profiles.profile import Profile, nobody
from service.recommending.aggregate import Candidates
from service.recommending.ranking.evidence import features
from service.recommending.ranking.features import POSITIONS
from service.recommending.ranking.item_facts import item_facts
from service.recommending.ranking.known import Known
from service.recommending.ranking.scratch import Scratch, scratch_for
from service.support.arrays.array_types import Float32, Int32, Int64
from service.support.arrays.read_only import read_only
from service.support.compiled.compilation import unchecked

_features = unchecked(features)


class _Local(local):
    """The scratch of one thread."""

    def __init__(self, n_items: int) -> None:
        self.scratch = scratch_for(n_items)


class FeatureTable:
    """The data that the features of all requests are made from; safe to share between threads.

    Attributes:
        known: what is known of all items.
    """

    def __init__(self, bundle: Bundle) -> None:
        """Reads the bundle.

        Raises:
            BundleInvalidError: it holds no neighbours or no past baskets.
        """
        # Items were counted in the training baskets, not in those of folded-in users.
        past_indptr = bundle.required("past_indptr", "the ranker")
        n_baskets = max(1, int(past_indptr[bundle.n_trained_users]))
        facts = item_facts(bundle, n_baskets)
        counts = bundle.item_count.astype(np.float32)
        subcategory = np.ascontiguousarray(facts["subcategory"])
        self.known = Known(
            facts=read_only(facts),
            weight=read_only(np.log(n_baskets / np.maximum(counts, 1)).astype(np.float32)),
            item_count=read_only(bundle.item_count),
            subcategory=read_only(subcategory),
            indptr=read_only(bundle.required("neighbour_indptr", "the ranker")),
            neighbour=read_only(bundle.required("neighbour_item", "the ranker")),
            counts=read_only(bundle.required("neighbour_count", "the ranker")),
            added=read_only(_neighbour_weight(bundle)),
            back=_weights_back(bundle),
            positions=read_only(POSITIONS),
            n_subcategories=int(subcategory.max()) + 1,
            as_of=bundle.manifest.cut_s,
        )
        self._local = _Local(len(bundle.catalogue))

    @property
    def scratch(self) -> Scratch:
        """The scratch of this thread."""
        return self._local.scratch

    def features(self, profile: Profile | None, basket: Int32, candidates: Candidates) -> Float32:
        """The features, (n, len(FEATURES)) float32, by column in memory, as the trees read it.

        Args:
            profile: the user's, if known.
            basket: (b,) int32, the present basket's items.
            candidates: with the parts of their blended score.
        """
        parts = np.stack([candidates.basket, candidates.user, candidates.popularity])
        user = profile or nobody(0)
        matrix = _features(
            self.known, self.scratch, candidates.items, parts, basket,
            user.past, np.empty(1),
        )  # fmt: skip
        return matrix.T


def _weights_back(bundle: Bundle) -> tuple[Int64, Int32, Float32]:
    """What neighbours add to the prediction of each item; no neighbours in an older bundle."""
    if bundle.neighbour_weight_back is None:
        indptr = read_only(np.zeros(len(bundle.catalogue) + 1, np.int64))
        return indptr, read_only(np.empty(0, np.int32)), read_only(np.empty(0, np.float32))
    return (
        read_only(bundle.required("neighbour_indptr", "the ranker")),
        read_only(bundle.required("neighbour_item", "the ranker")),
        read_only(bundle.neighbour_weight_back),
    )


def _neighbour_weight(bundle: Bundle) -> Float32:
    """The weight of each neighbour; 0 for all of an older bundle, whose trees do not ask for it."""
    if bundle.neighbour_weight is not None:
        return bundle.neighbour_weight
    pairs = bundle.required("neighbour_item", "the ranker")
    return read_only(np.zeros(len(pairs), np.float32))
