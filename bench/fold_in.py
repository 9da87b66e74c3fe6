"""Quality of fold-in: users the model never saw, compared with the same users after training.

A fifth of the users is held out. A bundle is built from the others, with the builder's defaults,
and the held-out users are folded in from their baskets before the cut. The production recommender
answers their baskets after the cut from this bundle and from the one trained on all users, with the
same inputs and the same targets. A target that a catalogue lacks is a miss.

The bundle of the other users also lacks items and pairs of items, for which no vector can make up.
So the vectors alone are compared too, in the bundle trained on all users: trained, folded in, zero.
`make bench-fold-in` runs this; it takes some minutes more than a build.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from rich.console import Console

from index_builder.build import build
from index_builder.bundle.fold_in import with_folded_in_users
from index_builder.config import BuildConfig, read_build_config
from index_builder.measuring.intervals import Bootstrap
from index_builder.measuring.quality import K, Measured, RankingFunction, measure
from index_builder.transactions.datasets import completejourney
from index_builder.transactions.encoded.encoding import encode_baskets
from index_builder.transactions.encoded.held_out import HeldOut, held_out
from index_builder.transactions.transactions import Transactions
from service.bundle.bundle import Bundle, load_bundle, preview_bundle
from service.profiles.bundle_profiles import BundleProfiles
from service.profiles.fold_in import FoldIn, learned_by_completion
from service.recommending.recommender import Recommender
from service.recommending.request import RecommendRequest
from service.recommending.weights import Weights
from service.settings import RecommendOptions
from service.support.arrays.array_types import Float32, Float64

HELD_OUT_SHARE = 0.2
FEW_BASKETS = 4
TIMED_BASKETS = range(24, 49)  # of the users whose fold-in is timed


def main() -> None:
    """Fold in the users that another build left out, and print the quality of each way."""
    arguments = _arguments()
    full = load_bundle(arguments.bundle)
    cut = full.manifest.cut
    transactions, products = completejourney.read()
    users = _draw(full, arguments.seed)
    others, own = _parted(transactions, users)
    with _other_bundles(arguments.others) as out:
        if not (out / "current").exists():
            build(others, products, BuildConfig(), out, cut, Console(stderr=True))
        without = load_bundle(out)
        if not set(users).isdisjoint(without.user_ids):
            sys.exit(f"{out}: expected a bundle without the {len(users)} held-out users")
        past, tests = own.until(cut), _tests(own.since(cut), full, users, arguments.limit)
        print(_heading(full, without, past, tests))
        _compare(full, without, past, tests, arguments.seed)


def _draw(bundle: Bundle, seed: int) -> list[str]:
    """Draw the users that are held out."""
    trained = np.array(bundle.user_ids[: bundle.n_trained_users])
    count = round(HELD_OUT_SHARE * len(trained))
    drawn: list[str] = np.random.default_rng(seed).choice(trained, count, replace=False).tolist()
    return drawn


def _parted(transactions: Transactions, users: list[str]) -> tuple[Transactions, Transactions]:
    """The baskets of all other users, and those of `users`."""
    drawn = np.append(transactions.user_ids.is_in(users).to_numpy(), np.False_)  # no guest is
    own = drawn[transactions.baskets.user_code]
    return transactions.where(~own), transactions.where(own)


@contextmanager
def _other_bundles(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        yield kept
    else:
        with TemporaryDirectory() as directory:
            yield Path(directory)


def _tests(
    later: Transactions, bundle: Bundle, users: list[str], limit: int | None
) -> list[HeldOut]:
    wanted = set(users)
    index = {user: row for row, user in enumerate(bundle.user_ids) if user in wanted}
    return held_out(encode_baskets(later, bundle.catalogue.index, index), 0, limit)


def _heading(full: Bundle, without: Bundle, past: Transactions, tests: Sequence[HeldOut]) -> str:
    ids, known = full.catalogue.item_ids, without.catalogue.index
    missing = [np.mean([ids[item] not in known for item in test.targets]) for test in tests]
    folded, seconds = _fold_in(full)
    cosine = _cosine(folded, full.user_h)
    stranger = _cosine(folded, np.roll(full.user_h, 1, axis=0))
    p50, p99 = np.percentile(seconds, (50, 99)) * 1e6
    return (
        f"{past.lines['user_id'].n_unique():,} users held out, with "
        f"{past.lines['basket_id'].n_unique():,} baskets before {full.manifest.as_of}; "
        f"{len(tests):,} test baskets.\n"
        f"{len(known):,} items in place of {len(ids):,}: {np.mean(missing):.1%} of the targets "
        "cannot be found.\n"
        f"Folded in, a trained user's vector has a cosine of {cosine:.2f} with the trained one, "
        f"{stranger:.2f} with another user's.\n"
        f"From {TIMED_BASKETS.start} to {TIMED_BASKETS.stop - 1} baskets it takes {p50:.0f} µs "
        f"(p99 {p99:.0f})."
    )


def _fold_in(bundle: Bundle) -> tuple[Float32, Float64]:
    """All users' vectors by fold-in, and the seconds for users of TIMED_BASKETS baskets."""
    half_life_days = read_build_config(bundle).recency_half_life_days
    completion = learned_by_completion(bundle.manifest.build)
    fold_in = FoldIn(bundle.item_vectors, half_life_days, completion)
    profiles = BundleProfiles(bundle)
    user_h, seconds = np.zeros_like(bundle.user_h), []
    for row, user in enumerate(bundle.user_ids):
        if profile := profiles.get(user):
            began = perf_counter()
            user_h[row] = fold_in.user_h(
                profile.past_begun, profile.past_indptr, profile.past_items
            )
            if len(profile.past_begun) in TIMED_BASKETS:
                seconds.append(perf_counter() - began)
    return user_h, np.array(seconds)


def _cosine(a: Float32, b: Float32) -> float:
    """Mean cosine of the rows, without rows that are zero."""
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(((a * b).sum(axis=1)[norms > 0] / norms[norms > 0]).mean())


def _compare(
    full: Bundle,
    without: Bundle,
    past: Transactions,
    tests: Sequence[HeldOut],
    seed: int,
) -> None:
    folded = preview_bundle(with_folded_in_users(without, past))
    few = preview_bundle(with_folded_in_users(without, _last_baskets(past)))
    # A bundle, and whether the request names the user.
    ways = {
        "trained on all users": (full, True),
        "  vectors folded in": (replace(full, user_h=_fold_in(full)[0]), True),
        "  vectors zero": (_without_vectors(full), True),
        "trained on the others, folded in": (folded, True),
        f"  the last {FEW_BASKETS} baskets": (few, True),
        "  history, vectors zero": (_without_vectors(folded), True),
        "  strangers": (without, False),
    }
    bootstrap = Bootstrap(np.array([test.user for test in tests], np.int32), seed)
    print(f"\nRecall@{K} / NDCG@{K}, and recall as a share of the first line's [95 % interval]")
    for ranking in ("vectors", "blended", "ranked"):
        print(f"\n{ranking}")
        first: Measured | None = None
        for name, (bundle, named) in ways.items():
            found = measure(_ranker(bundle, ranking, full, named), tests, full)
            first = first or found
            lost, mean = bootstrap.interval(found.recall - first.recall), first.quality.recall
            share, low, high = (1 + each / mean for each in (lost.mean, lost.low, lost.high))
            print(
                f"{name:36}{found.quality.recall:7.3f} /{found.quality.ndcg:6.3f}"
                f"{share:9.1%} [{low:.1%}, {high:.1%}]",
                flush=True,
            )


def _ranker(bundle: Bundle, ranking: str, full: Bundle, named: bool) -> RankingFunction:
    """The production recommender of `bundle`, with item indices of the `full` one."""
    options, weights = RecommendOptions(ranker=ranking == "ranked"), None
    if ranking == "vectors":
        options = RecommendOptions(ranker=False, history_candidates=0)
        weights = Weights.read(bundle.manifest.serving, "vectors_")
    recommender = Recommender(bundle, options, weights)
    item_ids, index = full.catalogue.item_ids, full.catalogue.index

    def rank(test: HeldOut) -> list[int]:
        user_id = full.user_ids[test.user] if named else None
        given = [item_ids[item] for item in test.given]
        answer = recommender.recommend(RecommendRequest(user_id=user_id, basket=given, k=K))
        return [index[item.item_id] for item in answer.items]

    return rank


def _without_vectors(bundle: Bundle) -> Bundle:
    return replace(bundle, user_h=np.zeros_like(bundle.user_h))


def _last_baskets(past: Transactions) -> Transactions:
    """Only the last few baskets of each user."""
    user = past.baskets.user_code
    order = np.argsort(user, kind="stable")
    later = np.searchsorted(user[order], user[order], "right") - np.arange(len(order))
    last = np.zeros(len(user), np.bool_)
    last[order[later <= FEW_BASKETS]] = True
    return past.where(last)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("fold_in.py", description=__doc__)
    add = parser.add_argument
    add("--bundle", type=Path, default=Path("bundles"), help="of all users (%(default)s)")
    add("--others", type=Path, help="directory of the bundle of the other users; kept")
    add("--seed", type=int, default=0, help="of the draw of users (%(default)s)")
    add("--limit", type=int, help="test baskets, at most")
    return parser.parse_args()


if __name__ == "__main__":
    main()
