"""The page: its sections, in their order."""

from pathlib import Path

from index_builder.evaluation.evaluate import Evaluation
from index_builder.evaluation.report import (
    basket_score,
    coverage,
    diversity,
    methods,
    parts,
    score,
    shoppers,
)
from index_builder.evaluation.report.footnotes import ndcg_footnote
from index_builder.evaluation.report.protocol import protocol_section

_REPORT = "report.md"
_PICTURES = (
    methods.PICTURE,
    shoppers.PICTURE,
    parts.PICTURE,
    coverage.PICTURE,
    diversity.PICTURE,
    score.PICTURE,
    basket_score.PICTURE,
)
_SECTIONS = (
    methods.methods_section,
    shoppers.shoppers_section,
    parts.parts_section,
    coverage.coverage_section,
    diversity.diversity_section,
    score.score_section,
    basket_score.basket_score_section,
)


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
    sections = [
        *(section(evaluation, directory) for section in _SECTIONS),
        protocol_section(evaluation, source, command),
        ndcg_footnote(evaluation),
    ]
    path = directory / _REPORT
    path.write_text("\n\n".join(sections) + "\n", encoding="utf-8")
    return path
