"""The report: what the evaluation found, as Markdown with pictures."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from platform import python_version

import numpy as np
import numpy.typing as npt

from index_builder.calibration import calibrate
from index_builder.evaluate import OURS, Ablated, Evaluation
from index_builder.figures import change, figure, percent, within
from index_builder.groups import quantile_groups
from index_builder.intervals import Bootstrap, Interval
from index_builder.plots import (
    calibration_plot,
    difference_plot,
    group_plot,
    recall_plot,
    variety_plot,
)
from index_builder.quality import K, Measured
from index_builder.variety import BEST_SELLERS, Variety

__all__ = ["write_report"]

_REPORT = "report.md"
_RECALL, _GROUPS, _ABLATIONS = "recall.svg", "groups.svg", "ablations.svg"
_VARIETY, _CALIBRATION = "variety.svg", "calibration.svg"
_PICTURES = (_RECALL, _GROUPS, _ABLATIONS, _VARIETY, _CALIBRATION)

_SHOWN_OPPONENTS = 3
_PACKAGES = ("rtt2vec", "numpy", "numba", "lightgbm", "faiss-cpu", "scipy", "polars")


def write_report(evaluation: Evaluation, directory: Path, source: str, command: str) -> Path:
    """Writes report.md and its pictures; the same evaluation gives the same bytes.

    Args:
        evaluation: what was found.
        directory: where to; made if it is not there.
        source: what the transactions are called.
        command: that made it.

    Returns:
        The path of report.md.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for picture in _PICTURES:  # of an earlier report: this one may have fewer
        (directory / picture).unlink(missing_ok=True)
    bootstrap = Bootstrap(evaluation.methods[OURS].users, evaluation.seed)
    sections = (
        _methods(evaluation, bootstrap, directory),
        _groups(evaluation, directory),
        _ablations(evaluation, directory),
        _variety(evaluation, directory),
        _calibration(evaluation, directory),
        _protocol(evaluation, source, command),
        _ndcg(evaluation),
    )
    path = directory / _REPORT
    path.write_text("\n\n".join(sections) + "\n", encoding="utf-8")
    return path


def strongest(methods: Mapping[str, Measured], count: int) -> list[str]:
    """The opponents of the highest recall, best first."""
    others = [name for name in methods if name != OURS]
    return sorted(others, key=lambda name: -methods[name].quality.recall)[:count]


def _methods(evaluation: Evaluation, bootstrap: Bootstrap, directory: Path) -> str:
    methods = evaluation.methods
    intervals = {
        name: {
            f"Recall@{K}": bootstrap.interval(measured.recall),
            f"NDCG@{K}": bootstrap.interval(measured.ndcg),
            "repeat targets": bootstrap.interval(measured.recall_repeat),
            "new targets": bootstrap.interval(measured.recall_new),
        }
        for name, measured in methods.items()
    }
    (rival,) = strongest(methods, 1)
    recall_plot(
        directory / _RECALL,
        {
            name: {title: each for title, each in row.items() if not title.startswith("NDCG")}
            for name, row in intervals.items()
        },
        OURS,
        rival,
    )
    ours, theirs = methods[OURS], methods[rival]
    recall = bootstrap.difference(ours.recall, theirs.recall)
    ndcg = bootstrap.difference(ours.ndcg, theirs.ndcg)
    rows = [[name, *map(within, row.values())] for name, row in intervals.items()]
    rows[-1] = [f"**{cell}**" for cell in rows[-1]]
    return f"""# How good are the recommendations?

A fifth of every held-out basket is hidden; of that, the service finds
**{percent(ours.quality.recall)}** among its {K} recommendations. The strongest of
{len(methods) - 1} opponents, {rival}, finds {percent(theirs.quality.recall)}.

![Recall of every method: {OURS} {figure(ours.quality.recall)}, {rival} \
{figure(theirs.quality.recall)}]({_RECALL})

{_table(["method", f"Recall@{K}", f"NDCG@{K}[^1]", "repeat targets", "new targets"], rows)}

In brackets: 95 % intervals. *Repeat* targets are those that the shopper had bought before, *new*
ones not; these two columns are Recall@{K} too. On the same baskets, what the service has more than
{rival}: Recall@{K} **{change(recall)}**, NDCG@{K} **{change(ndcg)}**."""


def _groups(evaluation: Evaluation, directory: Path) -> str:
    methods = evaluation.methods
    shown = [*strongest(methods, _SHOWN_OPPONENTS), OURS]
    sizes = np.array([len(basket.given) for basket in evaluation.baskets])
    past = np.bincount(evaluation.encoded.basket_user, minlength=evaluation.encoded.n_users)
    panels = {
        "items in the basket": sizes,
        "past baskets of the shopper": past[methods[OURS].users],
    }
    group_plot(
        directory / _GROUPS,
        {
            title: {name: _by_group(values, methods[name], evaluation.seed) for name in shown}
            for title, values in panels.items()
        },
        OURS,
    )
    return f"""## For small baskets and large ones, new shoppers and old ones

![Recall by basket size and by the shopper's number of past baskets]({_GROUPS})

Each point stands for about as many baskets as the others of its line; the bands are 95 % intervals.
Shown beside the service: the {len(shown) - 1} opponents of the highest recall."""


def _by_group(
    values: npt.NDArray[np.integer], measured: Measured, seed: int
) -> dict[str, Interval]:
    intervals = {}
    for group in quantile_groups(values):
        few = measured.of(group.members)
        intervals[group.label] = Bootstrap(few.users, seed).interval(few.recall)
    return intervals


def _ablations(evaluation: Evaluation, directory: Path) -> str:
    title = "## What each part is worth"
    if not evaluation.ablations:
        return f"{title}\n\nLeft out by `--quick`."
    users = evaluation.ablations[0].measured.users
    bootstrap = Bootstrap(users, evaluation.seed)
    panels: dict[str, dict[tuple[str, str], Interval]] = {
        "Without a part": {},
        "Done another way": {},
    }
    rows = []
    for each in evaluation.ablations:
        recall = bootstrap.difference(each.measured.recall, each.beside.recall)
        part, compared = each.ablation.kind == "part", each.measured is not each.beside
        if compared:
            panel = panels["Without a part" if part else "Done another way"]
            panel[each.ablation.name, "" if part else each.ablation.beside] = recall
        rows.append(_ablation_row(each, recall, compared))
    difference_plot(directory / _ABLATIONS, panels)
    columns = ["way", f"Recall@{K}", f"NDCG@{K}", "against", f"difference in Recall@{K}"]
    return f"""{title}

![Differences in Recall@{K} when a part is left out or done another way]({_ABLATIONS})

{_table(columns, rows)}

On {len(users):,} of the baskets, drawn by the seed. Differences are paired, with 95 % intervals;
in the picture, grey ones are no larger than chance allows. *Retrained*: the ranker learned once
more from the same baskets, with all vectors zero. The *blended* score is what the service ranks by
where there is no ranker. The last three rows score the whole catalogue by vectors and prior alone;
a direction that stands alone counts twice, so that the prior keeps its weight."""


def _ablation_row(each: Ablated, recall: Interval, compared: bool) -> list[str]:
    quality = each.measured.quality
    row = [each.ablation.name, figure(quality.recall), figure(quality.ndcg)]
    return [*row, each.ablation.beside, change(recall)] if compared else [*row, "", ""]


def _variety(evaluation: Evaluation, directory: Path) -> str:
    n_items = evaluation.encoded.n_items
    found = {
        name: (measured.quality.recall, Variety.of(measured.ranked, n_items))
        for name, measured in evaluation.methods.items()
    }
    variety_plot(directory / _VARIETY, found, OURS)
    rows = [
        [name, figure(recall), percent(each.coverage), percent(each.popularity_share)]
        for name, (recall, each) in found.items()
    ]
    columns = ["method", f"Recall@{K}", "catalogue ever shown", "best sellers"]
    return f"""## How much of the catalogue is shown

![Recall beside coverage and popularity share]({_VARIETY})

{_table(columns, rows)}

*Catalogue ever shown*: share of the {n_items:,} items that were recommended for at least one of the
{len(evaluation.baskets):,} baskets. *Best sellers*: share of all recommendations that are among the
{percent(BEST_SELLERS)} of the items that are bought most."""


def _calibration(evaluation: Evaluation, directory: Path) -> str:
    title = "## What the score says"
    ours = evaluation.methods[OURS]
    calibration = calibrate(ours.users, evaluation.scores, ours.hits, evaluation.seed)
    if calibration is None:
        return f"{title}\n\nOne household alone cannot be halved."
    calibration_plot(directory / _CALIBRATION, calibration)
    low, high, curve = calibration.bins[0], calibration.bins[-1], calibration.curve
    return f"""{title}

![Calibration of the score]({_CALIBRATION})

The score serves to order the items of one answer. Of the tenth of the recommendations with the
lowest scores, {percent(low.observed.mean)} were targets; of the tenth with the highest,
{percent(high.observed.mean)}. Read as a probability by a logistic curve,
1 / (1 + exp(-({curve.intercept:.3f} + {curve.slope:.3f} · score))), which was fitted on half of
the households, it is off by {100 * calibration.expected_error:.2f} percentage points on the others
(expected calibration error over tenths)."""


def _protocol(evaluation: Evaluation, source: str, command: str) -> str:
    bundle, encoded, baskets = evaluation.bundle, evaluation.encoded, evaluation.baskets
    cut = f"{datetime.fromisoformat(bundle.manifest.as_of):%Y-%m-%d %H:%M}"
    users = len(np.unique(evaluation.methods[OURS].users))
    targets = sum(len(basket.targets) for basket in baskets)
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return f"""## How it was measured

```
{command}
```

- **Data**: {source}. The catalogue has {encoded.n_items:,} items; {encoded.n_users:,} users filled
  {encoded.n_baskets:,} baskets with them before {cut}, and every method learned
  from these baskets alone.
- **Held out**: {len(baskets):,} baskets of {users:,} of these users, begun later, of 5 catalogue
  items or more. Of each, max(1, round(0.2 · items)) items are targets, drawn by the seed,
  {targets:,} in all; the rest is shown. The whole catalogue minus what is shown is ranked.
- **Recall@{K}** is hits / targets, averaged over baskets; for repeat and new targets over the
  baskets that have such targets.
- **Opponents** {_tuning(evaluation.settings)}
- **Ours** is the service's own recommender with its default settings and bundle
  `{bundle.bundle_id}`.
- **Intervals** are percentiles of 1,000 bootstrap resamples of households, since the baskets of one
  household are not independent.
- **Seed** {evaluation.seed}; what is trained on several threads differs a little from run to run.
- **Versions**: Python {python_version()}, {versions}."""


def _tuning(settings: Mapping[str, str]) -> str:
    tuned = [f"  - {name}: {how}" for name, how in settings.items() if how]
    if not tuned:
        return "have nothing to be tuned."
    return "\n".join(["are tuned on the last days before the cut, then fitted anew:", *tuned])


def _ndcg(evaluation: Evaluation) -> str:
    first = next(iter(evaluation.methods))
    ours, other = (_of_found(evaluation.methods[name].hits) for name in (OURS, first))
    return f"""[^1]: DCG / ideal DCG, where the ideal has min({K}, targets) hits at the top, the
    usual form. The RTT2Vec paper reports NDCG@20 above Recall@20 in every row (.2391 beside .1481
    for its own method) and does not define it closely enough to reproduce. One form with that
    property takes for its ideal the hits that were found, moved to the top; by it, the service
    would have {figure(ours)} here and {first} {figure(other)}. So NDCG can be compared within this
    table, and not with the paper's."""


def _of_found(hits: npt.NDArray[np.bool_]) -> float:
    """Mean of DCG / DCG of the same hits at the top; 0 for an answer without any."""
    discount = 1 / np.log2(np.arange(2, K + 2))
    ideal = np.concatenate([[1], discount.cumsum()])[hits.sum(axis=1)]
    return float(((hits @ discount) / ideal).mean())


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
