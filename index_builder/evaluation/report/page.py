"""The page of the report: its sections, in their order."""

from pathlib import Path

from index_builder.evaluation.evaluate import Evaluation
from index_builder.evaluation.report import (
    ablations,
    basket_score,
    coverage,
    diversity,
    groups,
    methods,
    score,
)
from index_builder.evaluation.report.footnotes import ndcg_footnote
from index_builder.evaluation.report.protocol import protocol_section
from service.support.files import replacing

_REPORT = "report.md"
_PICTURES = (
    methods.PICTURE,
    groups.PICTURE,
    ablations.PICTURE,
    coverage.PICTURE,
    diversity.PICTURE,
    score.PICTURE,
    basket_score.PICTURE,
)
_SECTIONS = (
    methods.methods_section,
    groups.groups_section,
    ablations.ablations_section,
    coverage.coverage_section,
    diversity.diversity_section,
    score.score_section,
    basket_score.basket_score_section,
)


def write_report(evaluation: Evaluation, directory: Path, source: str, command: str) -> Path:
    """Writes report.md and its pictures; the same evaluation gives the same bytes.

    Args:
        evaluation: the results.
        directory: of the report; created if it does not exist.
        source: name of the transactions.
        command: the command line that is shown.

    Returns:
        The path of report.md.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for picture in _PICTURES:  # of an earlier report, which may have had more
        (directory / picture).unlink(missing_ok=True)
    sections = [
        *(section(evaluation, directory) for section in _SECTIONS),
        protocol_section(evaluation, source, command),
        ndcg_footnote(evaluation),
    ]
    path = directory / _REPORT
    with replacing(path) as new:
        new.write_text("\n\n".join(sections) + "\n", encoding="utf-8")
    return path
