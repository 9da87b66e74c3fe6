"""The report's section on the coverage of the catalogue."""

from pathlib import Path

from index_builder.evaluation.evaluate import OURS, Evaluation
from index_builder.evaluation.figures import figure, percent
from index_builder.evaluation.pictures.plots import coverage_plot
from index_builder.evaluation.report.tables import markdown_table
from index_builder.measuring.coverage import BEST_SELLERS, Coverage
from index_builder.measuring.quality import K

PICTURE = "variety.svg"


def coverage_section(evaluation: Evaluation, directory: Path) -> str:
    """Coverage of the catalogue and share of best sellers, by method."""
    n_items = evaluation.encoded.n_items
    found = {
        name: (measured.quality.recall, Coverage.of(measured.ranked, n_items))
        for name, measured in evaluation.methods.items()
    }
    coverage_plot(directory / PICTURE, found, OURS)
    rows = [
        [name, figure(recall), percent(each.coverage), percent(each.popularity_share)]
        for name, (recall, each) in found.items()
    ]
    columns = ["method", f"Recall@{K}", "coverage", "best sellers"]
    return f"""## Catalogue coverage

![Recall beside coverage and popularity share]({PICTURE})

{markdown_table(columns, rows)}

*Coverage*: share of the {n_items:,} items that were recommended for at least one of the
{len(evaluation.baskets):,} baskets. *Best sellers*: share of all recommendations that are among the
{percent(BEST_SELLERS)} of the items that are bought most."""
