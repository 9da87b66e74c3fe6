"""The report's section on the ablations: what each part is worth."""

from pathlib import Path

from index_builder.evaluation.evaluate import Ablated, Evaluation
from index_builder.evaluation.figures import change, figure
from index_builder.evaluation.pictures.plots import difference_plot
from index_builder.evaluation.report.tables import markdown_table
from index_builder.measuring.intervals import Bootstrap, Interval
from index_builder.measuring.quality import K

PICTURE = "ablations.svg"


def ablations_section(evaluation: Evaluation, directory: Path) -> str:
    """Differences in recall when a part is left out or done another way."""
    title = "## Ablations"
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
    difference_plot(directory / PICTURE, panels)
    columns = ["ablation", f"Recall@{K}", f"NDCG@{K}", "against", f"difference in Recall@{K}"]
    return f"""{title}

![Differences in Recall@{K} when a part is left out or done another way]({PICTURE})

{markdown_table(columns, rows)}

On {len(users):,} of the baskets, drawn by the seed. Differences are paired, with 95 % intervals;
in the picture, grey differences are not significant. *Retrained*: the ranker was trained again on
the same baskets, with all vectors zero or without neighbours. The service ranks by the *blended*
score where there is no ranker. The last three rows score the whole catalogue by vectors and prior
alone; a direction that stands alone counts twice, so that the prior keeps its weight."""


def _ablation_row(each: Ablated, recall: Interval, compared: bool) -> list[str]:
    quality = each.measured.quality
    row = [each.ablation.name, figure(quality.recall), figure(quality.ndcg)]
    return [*row, each.ablation.beside, change(recall)] if compared else [*row, "", ""]
