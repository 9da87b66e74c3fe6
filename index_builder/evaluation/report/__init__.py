"""The report: the results of an evaluation as Markdown with pictures, a module per section."""

from index_builder.evaluation.report.page import write_report

__all__ = ["write_report"]
