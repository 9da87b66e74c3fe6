"""The report's first section: all methods beside the service."""

from collections.abc import Mapping
from pathlib import Path

from index_builder.evaluation.evaluate import OURS, Evaluation
from index_builder.evaluation.figures import change, figure, percent, within
from index_builder.evaluation.pictures.plots import recall_plot
from index_builder.evaluation.report.tables import markdown_table
from index_builder.measuring.intervals import Bootstrap
from index_builder.measuring.quality import K, Measured

PICTURE = "recall.svg"


def strongest(methods: Mapping[str, Measured], count: int) -> list[str]:
    """The opponents with the highest recall, best first."""
    others = [name for name in methods if name != OURS]
    return sorted(others, key=lambda name: -methods[name].quality.recall)[:count]


def methods_section(evaluation: Evaluation, directory: Path) -> str:
    """Recall and NDCG of all methods, with intervals."""
    methods = evaluation.methods
    bootstrap = Bootstrap(methods[OURS].users, evaluation.seed)
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
        directory / PICTURE,
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

A fifth of every held-out basket is hidden. The {K} recommendations of the service contain
**{percent(ours.quality.recall)}** of the hidden items. The strongest of
{len(methods) - 1} opponents, {rival}, finds {percent(theirs.quality.recall)}.

![Recall of every method: {OURS} {figure(ours.quality.recall)}, {rival} \
{figure(theirs.quality.recall)}]({PICTURE})

{markdown_table(["method", f"Recall@{K}", f"NDCG@{K}[^1]", "repeat targets", "new targets"], rows)}

In brackets: 95 % intervals. The user had bought *repeat* targets before, and *new* targets not;
these two columns are Recall@{K} too. The service minus {rival} on the same baskets:
Recall@{K} **{change(recall)}**, NDCG@{K} **{change(ndcg)}**."""
