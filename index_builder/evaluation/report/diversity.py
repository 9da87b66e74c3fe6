"""The report's section on the diversity of lists and its cost in recall."""

from collections.abc import Sequence
from pathlib import Path

from index_builder.evaluation.evaluate import OURS, Evaluation
from index_builder.evaluation.figures import change, figure, percent
from index_builder.evaluation.pictures.plots import diversity_plot
from index_builder.evaluation.report.tables import markdown_table
from index_builder.evaluation.sweep import SweepPoint
from index_builder.measuring.intervals import Bootstrap
from index_builder.measuring.quality import K

PICTURE = "diversity.svg"


def diversity_section(evaluation: Evaluation, directory: Path) -> str:
    """Recall against the diversity of a list, by λ; and with substitutes of the basket demoted."""
    bootstrap = Bootstrap(evaluation.methods[OURS].users, evaluation.seed)
    by_lambda = evaluation.diversity
    diversity_plot(
        directory / PICTURE,
        {f"{each.value:g}": (each.measured.quality.recall, each.diversity) for each in by_lambda},
    )
    return f"""## Diversity

![Recall beside the distance within a list and its distinct subcategories, by λ]({PICTURE})

{_table("`mmr_lambda`", by_lambda, bootstrap)}

Maximal marginal relevance lowers a candidate by its similarity to the items that are already in
the list; λ = 1 ranks by the score alone. *Distance*: 1 - cosine of two items' vectors, averaged
over the pairs of a list. Differences are paired, with 95 % intervals.
{_demotion(evaluation, bootstrap)}""".rstrip()


def _demotion(evaluation: Evaluation, bootstrap: Bootstrap) -> str:
    if not evaluation.demotion:
        return ""
    return f"""
{_table("`substitute_weight`", evaluation.demotion, bootstrap)}

`substitute_weight` demotes candidates that are substitutes of an item in the basket, such as a
second milk: the logarithm of the weight is added to their scores."""


def _table(setting: str, rows: Sequence[SweepPoint], bootstrap: Bootstrap) -> str:
    columns = [setting, f"Recall@{K}", "of it kept", "difference", f"NDCG@{K}"]
    columns += ["distance", "categories", "subcategories"]
    plain = rows[0].measured
    cells = [
        [
            f"{each.value:g}",
            figure(each.measured.quality.recall, 4),
            percent(each.measured.quality.recall / (plain.quality.recall or 1)),
            change(bootstrap.difference(each.measured.recall, plain.recall), 4),
            figure(each.measured.quality.ndcg, 4),
            figure(each.diversity.distance),
            f"{each.diversity.categories:.2f}",
            f"{each.diversity.subcategories:.2f}",
        ]
        for each in rows
    ]
    return markdown_table(columns, cells)
