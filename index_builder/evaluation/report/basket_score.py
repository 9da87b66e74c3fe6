"""The report's section on the basket score."""

from pathlib import Path

from index_builder.basket_score import Additions, Judgement
from index_builder.evaluation.evaluate import Evaluation
from index_builder.evaluation.figures import figure, percent
from index_builder.evaluation.pictures.basket_score import score_plot
from index_builder.evaluation.report.tables import markdown_table
from index_builder.measuring.reliability import reliability

PICTURE = "basket_score.svg"


def basket_score_section(evaluation: Evaluation, directory: Path) -> str:
    """How well scores tell real baskets from corrupted ones, and whether they are calibrated."""
    title = "## Whose basket it is"
    judged = evaluation.basket_score
    if judged is None:
        return f"{title}\n\nThe bundle has no basket score, or one household alone is held out."
    own = reliability(*judged.personal.all_kinds())
    population = reliability(*judged.population.real_and_swapped())
    score_plot(directory / PICTURE, judged, own, population)
    errors = (figure(own.expected_error), figure(population.expected_error), "")
    columns = ["ROC-AUC", "another household's", "half swapped", "calibration error"]
    return f"""{title}

![ROC curves and calibration of the basket score]({PICTURE})

{markdown_table(columns, _rows(judged, errors))}

{len(judged.users):,} held-out baskets, whole ones, each beside two corruptions of it: a basket of
another household that is held to be this one's, of the same size or the nearest there is; and the
basket itself with half of its items replaced by others that stand next to them in the order of
popularity. *Share bought before* is the share of the items that the shopper had ever bought.

For the population score another household's basket is as real as any, so that it can do no better
than toss a coin. Calibration error is the mean distance between likelihood and share of real
baskets, over tenths of equal mass: for the score of a mix of one half real, a quarter another
household's and a quarter swapped; for the population score, of one half real and one half
swapped.{_additions(evaluation.additions)}"""


def _rows(judged: Judgement, errors: tuple[str, str, str]) -> list[list[str]]:
    names = ("**score**", "population score", "share bought before")
    ways = (judged.personal, judged.population, judged.share)
    return [
        [name, figure(way.foreign_auc), figure(way.swapped_auc), error]
        for name, way, error in zip(names, ways, errors, strict=True)
    ]


def _additions(found: Additions | None) -> str:
    if found is None:
        return ""
    return f"""

One item more, in {found.baskets:,} of the baskets: one that the shopper had bought before, of one
of the five categories they buy most, raises the score of {percent(found.raised)}; one of a category
they never bought from lowers that of {percent(found.lowered)}. One item less: what it had
contributed has the sign of what is missing then in {percent(found.agreed)}."""
