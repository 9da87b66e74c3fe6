"""The report: what the evaluation found, as Markdown with pictures, one module per section."""

from index_builder.evaluation.report.page import write_report

__all__ = ["write_report"]
