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
    title = "## Basket score"
    judged = evaluation.basket_score
    if judged is None:
        return f"{title}\n\nThe bundle has no basket score, or the baskets are those of one user."
    own = reliability(*judged.personal.all_kinds())
    population = reliability(*judged.population.real_and_swapped())
    score_plot(directory / PICTURE, judged, own, population)
    errors = (figure(own.expected_error), figure(population.expected_error), "")
    columns = ["ROC-AUC", "another household's", "half swapped", "calibration error"]
    return f"""{title}

![ROC curves and calibration of the basket score]({PICTURE})

{markdown_table(columns, _rows(judged, errors))}

{len(judged.users):,} held-out baskets, with all their items, are compared with two corruptions of
each: a basket of another household, of the same size or the nearest; and the basket itself, with
half of its items replaced by items of similar popularity. *Share bought before* is the share of the
items that the user had bought before.

The population score does not depend on the user, so that it cannot recognise another household's
basket. Calibration error is the mean distance between likelihood and share of real baskets, over
tenths of the baskets: for the score, half of them are real, a quarter are another household's and a
quarter are swapped; for the population score, half are real and half are
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

In {found.baskets:,} of the baskets, single items were added or removed. An item that the user had
bought before, of one of the five categories with most purchases, raises the score in
{percent(found.raised)} of them; an item of a category without purchases lowers it in
{percent(found.lowered)}. A removed item changes the score in the direction of its contribution in
{percent(found.agreed)}."""
