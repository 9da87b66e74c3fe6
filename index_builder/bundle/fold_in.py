"""Users who came after a build, folded into its bundle without retraining.

Everything that comes from the training baskets stays as it is: item vectors, index, trees,
popularity, neighbours and `as_of`, and also the rows of the users that the bundle was trained on,
and so their answers. A folded-in user gets a vector, a history and past baskets from all baskets
that are given, also those begun after `as_of`. The ages of these baskets then count from the user's
last one (see `service.recommending.ranking.feature_table`).

The result depends on the trained bundle and on the transactions alone: users of an earlier fold-in
are removed first, and folded in again if they are in the transactions.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from index_builder.config import read_build_config
from index_builder.statistics.histories import Histories, histories
from index_builder.statistics.past_baskets import PastBaskets, past_baskets
from index_builder.transactions.encoded.encoding import encode_baskets
from index_builder.transactions.transactions import Transactions
from service.bundle.bundle import Bundle, BundleContents
from service.profiles.fold_in import FoldIn, learned_by_completion
from service.support.arrays.array_types import Float32, Int64

ArraysByName = dict[str, npt.NDArray[Any]]


def with_folded_in_users(bundle: Bundle, transactions: Transactions) -> BundleContents:
    """Adds the users of the transactions that the bundle was not trained on.

    Args:
        bundle: one that `rtt2vec-build` wrote.
        transactions: all baskets of the new users; those of trained users change nothing.

    Raises:
        BundleInvalidError: see `read_build_config`.
    """
    half_life_days = read_build_config(bundle).recency_half_life_days
    n_trained = bundle.n_trained_users
    trained = bundle.user_ids[:n_trained]
    codes = np.unique(transactions.baskets.user_code)
    known = transactions.user_ids.gather(codes[codes >= 0])
    user_ids = known.filter(~known.is_in(trained)).to_list()
    rows = {user_id: row for row, user_id in enumerate(user_ids)}
    baskets = encode_baskets(transactions, bundle.catalogue.index, rows)
    past = past_baskets(baskets, len(user_ids))
    history = histories(baskets, len(user_ids), len(bundle.catalogue), half_life_days)
    completion = learned_by_completion(bundle.manifest.build)
    user_h = _vectors(FoldIn(bundle.item_vectors, half_life_days, completion), past)
    serving = {k: v for k, v in bundle.manifest.serving.items() if k != "trained_users"}
    facts = bundle.manifest.retrieval
    return BundleContents(
        **_behind(bundle.present(), n_trained, user_h, history, past),
        catalogue=bundle.catalogue,
        user_ids=trained + user_ids,
        retrieval=bundle.retrieval,
        ann_recall_at_k=facts.ann_recall_at_k,
        ann_recall_k=facts.k,
        ann_recall_target=facts.target,
        list_recall_at_k=facts.list_recall_at_k,
        index_frontier=facts.frontier,
        as_of=bundle.manifest.as_of,
        build=bundle.manifest.build,
        serving=serving | ({"trained_users": n_trained} if user_ids else {}),
        metrics=bundle.manifest.metrics,
    )


def _vectors(fold_in: FoldIn, past: PastBaskets) -> Float32:
    user_h = np.empty((len(past.indptr) - 1, fold_in.dimension), np.float32)
    for user, (start, stop) in enumerate(pairwise(past.indptr)):
        item_indptr = past.item_indptr[start : stop + 1]
        user_h[user] = fold_in.user_h(past.begun[start:stop], item_indptr, past.item)
    return user_h


def _behind(
    arrays: ArraysByName, n_users: int, user_h: Float32, history: Histories, past: PastBaskets
) -> ArraysByName:
    """The arrays with the new users' rows behind those of the first n users."""
    arrays = {**arrays, "user_h": np.concatenate([arrays["user_h"][:n_users], user_h])}
    rows = {f"history_{name}": values for name, values in vars(history).items() if name != "indptr"}
    _append(arrays, "history", n_users, history.indptr, rows)
    if "past_indptr" in arrays:
        n_baskets = int(arrays["past_indptr"][n_users])
        _append(arrays, "past", n_users, past.indptr, {"past_begun": past.begun})
        _append(arrays, "past_item", n_baskets, past.item_indptr, {"past_item": past.item})
    return arrays


def _append(
    arrays: ArraysByName, group: str, n: int, indptr: Int64, rows: Mapping[str, Any]
) -> None:
    """Puts rows behind those of the first n places of `<group>_indptr`."""
    starts = arrays[f"{group}_indptr"]
    arrays[f"{group}_indptr"] = np.concatenate([starts[: n + 1], starts[n] + indptr[1:]])
    for name, more in rows.items():
        arrays[name] = np.concatenate([arrays[name][: starts[n]], more])
