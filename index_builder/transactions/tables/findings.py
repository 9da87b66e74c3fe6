"""Findings: what checks found in the rows of one file, which may come in several parts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import polars as pl

from index_builder.transactions.errors import BadRowsError
from service.support.invalid_fields import shortened

SHOWN_ROWS = 5  # of those that an error is about
NOTED_ROWS = 3
SAMPLE = 1000  # distinct values that a guess is made from


@dataclass(frozen=True)
class Notice:
    """Rows that were read, but may not mean what they seem to mean.

    Attributes:
        text: what was found, and what can be done.
        count: number of rows.
        first: places and values of the first of them.
    """

    text: str
    count: int
    first: str


class PartRefusedError(Exception):
    """A part has wrong rows, so that the checks behind this one cannot go on with it."""


class Twins(NamedTuple):
    """Values that are doubtful only beside others.

    Attributes:
        values: strings; the problem is another one if the column has one of them, too.
        problem: this one.
    """

    values: pl.Series
    problem: str


@dataclass
class Tally:
    """The rows that a check looked at, and those that it found.

    Attributes:
        seen: number of rows.
        found: number of those found.
        rows: the first of those found, as many as are shown, and one more.
        evidence: distinct values that help to say what is wrong.
        twins: of a notice; the values of all parts.
        has_twins: whether a part had one of them.
    """

    seen: int = 0
    found: int = 0
    rows: pl.DataFrame | None = None
    evidence: pl.Series | None = None
    twins: Twins | None = None
    has_twins: bool = False

    def add(self, frame: pl.DataFrame, found: pl.Series, most: int) -> None:
        """Counts rows, of which `found` has booleans, and keeps so many of them."""
        self.seen += frame.height
        if not (count := int(found.sum())):
            return
        self.found += count
        if self.rows is None or self.rows.height < most:
            rows = frame.filter(found).head(most)
            self.rows = rows if self.rows is None else pl.concat([self.rows, rows]).head(most)

    def add_evidence(self, values: pl.Series) -> None:
        """Keeps the first distinct values."""
        if self.evidence is not None and len(self.evidence) >= SAMPLE:
            return
        known = values if self.evidence is None else pl.concat([self.evidence, values])
        self.evidence = known.drop_nulls().unique(maintain_order=True).head(SAMPLE)

    def add_twins(self, column: pl.Series, twins: Twins) -> None:
        """Looks for these values and those of the parts before, in a column of strings."""
        values = twins.values
        if self.twins is not None:
            values = pl.concat([self.twins.values, values]).unique()
        self.twins = Twins(values, twins.problem)
        self.look_for_twins(column)

    def look_for_twins(self, column: pl.Series) -> None:
        """Looks for the values that are known by now."""
        if self.twins is not None and self.looking:
            self.has_twins = bool(column.is_in(self.twins.values.implode()).any())

    @property
    def looking(self) -> bool:
        """Whether there are values of which no twin was found."""
        return self.twins is not None and len(self.twins.values) > 0 and not self.has_twins


@dataclass(frozen=True)
class RowCheck:
    """Rows must not be wrong.

    Attributes:
        error: the class to raise.
        problem: what is wrong with the rows, to follow "3 of 20 rows".
        remedy: what to do about it; or a function of the evidence that says so.
        unless_all: whether rows are wrong only if others of the file are not.
    """

    error: type[BadRowsError]
    problem: str
    remedy: str | Callable[[pl.Series], str]
    unless_all: bool = False

    def fails(self, tally: Tally) -> bool:
        """Whether these rows refuse the file."""
        return tally.found > 0 and not (self.unless_all and tally.found == tally.seen)


@dataclass
class Findings:
    """What was found in the parts of a file, in the order of the checks.

    Attributes:
        faults: every check, by its name: of rows, or the error of another one, or None if there is
            no error.
        tallies: what checks of rows found, by the same names.
        notices: what is doubtful, by column and problem.
        left_out: number of rows that were left out, by reason.
    """

    faults: dict[str, Exception | RowCheck | None] = field(default_factory=dict)
    tallies: dict[str, Tally] = field(default_factory=dict)
    notices: dict[tuple[str, str], Tally] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)

    def tally_of(self, check: RowCheck) -> Tally:
        """What a check found so far."""
        self.faults.setdefault(check.problem, check)
        return self.tallies.setdefault(check.problem, Tally())

    def noted(self, column: str, problem: str) -> Tally:
        """What was found doubtful so far."""
        return self.notices.setdefault((column, problem), Tally())

    def require(self, what: str, error: Exception | None) -> None:
        """Notes an error that needs no rows; None if there is none.

        Raises:
            PartRefusedError: there is one.
        """
        self.faults[what] = self.faults.get(what) or error
        if error is not None:
            raise PartRefusedError

    def first_fault(self) -> Exception | RowCheck | None:
        """What refuses the file, if anything does: the check that comes first."""
        for what, fault in self.faults.items():
            if isinstance(fault, RowCheck) and not fault.fails(self.tallies[what]):
                continue
            if fault is not None:
                return fault
        return None


def _text_of(name: str, kind: pl.DataType) -> pl.Expr:
    """A column as text, written by polars: a year may be beyond what Python's datetime holds."""
    column = pl.col(name)
    if kind not in (pl.Date, pl.Datetime):
        return column.cast(pl.String)
    on_calendar = pl.when(column.dt.year().is_not_null()).then(column)
    number = column.to_physical()  # of a moment that no calendar has
    return pl.coalesce(on_calendar.cast(pl.String), number.cast(pl.String)).alias(name)


def as_text(frame: pl.DataFrame) -> str:
    """Rows as a small aligned table."""
    texts = frame.select(_text_of(name, kind) for name, kind in frame.schema.items())
    rows = [
        ["null" if text is None else shortened(text) or '""' for text in row]
        for row in texts.rows()
    ]
    lines = [frame.columns, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(frame.width)]
    return "\n".join(
        "  "
        + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
