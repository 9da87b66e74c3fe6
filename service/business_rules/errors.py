"""Errors of rules files and files of availability."""

from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

_SHOWN = 10
_CHARS = 300  # of a message, which may repeat a text of the file

MOST = 100
"""Mistakes that are told of a file: one of a megabyte can have a hundred thousand."""


class Mistake(NamedTuple):
    """One mistake in a file; `line` counts from 1, and is None if the file has no lines."""

    line: int | None
    message: str

    def told(self, source: str) -> str:
        """The mistake in one line, which begins with the name of the file."""
        place = source if self.line is None else f"{source}, line {self.line}"
        return f"{place}: {_cut(self.message)}"


class RulesError(ValueError):
    """A rules file, or a file of availability, that cannot be used.

    Attributes:
        mistakes: the first 100 that were found, in the order of their lines.
    """

    def __init__(self, source: str, mistakes: Iterable[Mistake]) -> None:
        """Takes only as many of the mistakes as it keeps, so that no more need to be found."""
        found = (each._replace(message=_cut(each.message)) for each in islice(mistakes, MOST))
        self.mistakes = sorted(found, key=lambda each: each.line or 0)
        shown = [each.told(source) for each in self.mistakes[:_SHOWN]]
        if (others := len(self.mistakes) - _SHOWN) > 0:
            least = "" if len(self.mistakes) < MOST else "at least "
            shown.append(f"{source}: and {least}{others} more")
        super().__init__("\n".join(shown))


def _cut(message: str) -> str:
    return message if len(message) <= _CHARS else f"{message[:_CHARS]}…"
