"""The evaluation: a bundle, its opponents and its ablations on the baskets after its cut."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from rich.console import Console
from rich.progress import track

from index_builder.basket_score import Additions, Judgement, judge_additions, judge_score
from index_builder.config import BuildConfig, read_build_config
from index_builder.evaluation.ablations import AS_SERVED, Ablation, ablations
from index_builder.evaluation.baselines.opponents import opponents
from index_builder.evaluation.sweep import SweepPoint, sweep
from index_builder.measuring.list_diversity import ListDiversity
from index_builder.measuring.quality import (
    K,
    Measured,
    RankingFunction,
    measure,
    ranking_function,
)
from index_builder.transactions.encoded.encoding import EncodedTransactions, encode
from index_builder.transactions.encoded.held_out import HeldOut
from index_builder.transactions.errors import OtherTransactionsError
from index_builder.transactions.transactions import Transactions
from service.bundle.bundle import Bundle
from service.recommending.basket_score.scorer import has_score
from service.recommending.recommender import Recommender
from service.support.arrays.array_types import Float64

OURS = "RTT2Vec, as served"

_CHEAP_OPPONENTS = 2  # the first ones, which need no training
_ABLATION_BASKETS = 2000
_TITLE_WIDTH = 36  # aligns the progress bars


@dataclass(frozen=True, eq=False)
class Ablated:
    """An ablation with its results, and those of the other ranking on the same baskets."""

    ablation: Ablation
    measured: Measured
    beside: Measured


@dataclass(frozen=True, eq=False)
class Evaluation:
    """All results that a report shows.

    Attributes:
        bundle: the evaluated bundle.
        encoded: the baskets it was built from.
        baskets: the held-out baskets.
        methods: the measures of each method, by name; OURS last.
        settings: the tuned settings of the opponents, by name.
        scores: (n, K) of our recommendations; NaN where there were fewer than K.
        ablations: measured on a sample of the baskets; empty if they were left out.
        basket_score: the basket scores of held-out and corrupted baskets; None without a score.
        additions: the changes of the score by single items; likewise.
        diversity: our measures at several λ, at λ = 1 first.
        demotion: our measures at several weights of substitutes, at 1 first; empty without any.
        seed: of everything random.
    """

    bundle: Bundle
    encoded: EncodedTransactions
    baskets: Sequence[HeldOut]
    methods: dict[str, Measured]
    settings: dict[str, str]
    scores: Float64
    ablations: Sequence[Ablated]
    basket_score: Judgement | None
    additions: Additions | None
    diversity: Sequence[SweepPoint]
    demotion: Sequence[SweepPoint]
    seed: int


def evaluate(
    bundle: Bundle,
    transactions: Transactions,
    baskets: Sequence[HeldOut],
    seed: int,
    quick: bool,
    console: Console,
) -> Evaluation:
    """Measures everything on the same baskets.

    Args:
        bundle: the bundle.
        transactions: those it was built from, and later ones.
        baskets: held-out baskets that began after the bundle's cut.
        seed: of the samples.
        quick: leaves out the opponents that need training, and the ablations.
        console: where progress is shown.

    Raises:
        OtherTransactionsError: the bundle was built from other transactions.
        BundleInvalidError: see `read_build_config`.
    """
    config = read_build_config(bundle)
    encoded = training_baskets(bundle, transactions, config.min_item_baskets)
    methods: dict[str, Measured] = {}
    settings: dict[str, str] = {}
    others = opponents(encoded, bundle.manifest.cut, config.train, console)
    for name, rank, chosen in islice(others, _CHEAP_OPPONENTS if quick else None):
        methods[name] = _measure(name, rank, baskets, bundle, console)
        settings[name] = chosen
    answers: list[list[float]] = []
    as_served = ranking_function(Recommender(bundle), bundle, answers)
    methods[OURS] = _measure(OURS, as_served, baskets, bundle, console)
    ablated: list[Ablated] = []
    if not quick:
        ablated = _ablate(bundle, transactions, baskets, methods[OURS], config, seed, console)
    scored = judge_score(bundle, baskets, seed) if has_score(bundle) else None
    added = judge_additions(bundle, baskets, seed) if has_score(bundle) else None
    diverse = _sweep(bundle, baskets, "mmr_lambda", console)
    demoted = _sweep(bundle, baskets, "substitute_weight", console)
    found = (_padded(answers), ablated, scored, added, diverse, demoted)
    return Evaluation(bundle, encoded, baskets, methods, settings, *found, seed)


def training_baskets(
    bundle: Bundle, transactions: Transactions, min_item_baskets: int
) -> EncodedTransactions:
    """The baskets that a bundle was built from.

    Raises:
        OtherTransactionsError: the transactions give other items, users or counts.
    """
    cut = bundle.manifest.cut
    encoded = encode(transactions, None, min_item_baskets, cut)
    for noun, expected, found in (
        ("items", bundle.catalogue.item_ids, encoded.items["item_id"].to_list()),
        ("users", bundle.user_ids[: bundle.n_trained_users], encoded.user_ids),
        ("purchases of the items", bundle.item_count.tolist(), encoded.item_count.tolist()),
    ):
        if expected != found:
            raise OtherTransactionsError(
                f"{transactions.summary.source}: not what bundle {bundle.bundle_id} was built "
                f"from.\nExpected before {cut}: the {len(expected):,} {noun} of the bundle. "
                f"Found: others ({len(found):,}).\n"
                "Give evaluate the transactions of the build, and the later ones."
            )
    return encoded


def _ablate(
    bundle: Bundle,
    transactions: Transactions,
    baskets: Sequence[HeldOut],
    served: Measured,
    config: BuildConfig,
    seed: int,
    console: Console,
) -> list[Ablated]:
    n = len(baskets)
    few = np.sort(np.random.default_rng(seed).permutation(n)[:_ABLATION_BASKETS])
    sample = [baskets[basket] for basket in few]
    measured = {AS_SERVED: served.of(few)}
    results = []
    for each in ablations(bundle, transactions, config, console):
        measured[each.name] = _measure(each.name, each.rank, sample, bundle, console)
        results.append(Ablated(each, measured[each.name], measured[each.beside]))
    return results


def _sweep(
    bundle: Bundle, baskets: Sequence[HeldOut], setting: str, console: Console
) -> list[SweepPoint]:
    found = []
    for value, rank in sweep(bundle, setting):
        measured = _measure(f"{setting} {value:g}", rank, baskets, bundle, console)
        found.append(SweepPoint(value, measured, ListDiversity.of(measured.ranked, bundle)))
    return found


def _measure(
    name: str, rank: RankingFunction, baskets: Sequence[HeldOut], bundle: Bundle, console: Console
) -> Measured:
    title = f"{name:<{_TITLE_WIDTH}}"
    shown = track(baskets, title, console=console, disable=not console.is_terminal)
    return measure(rank, shown, bundle)


def _padded(answers: Sequence[Sequence[float]]) -> Float64:
    rows = np.full((len(answers), K), np.nan)
    for row, answer in zip(rows, answers, strict=True):
        row[: len(answer)] = answer
    return rows
