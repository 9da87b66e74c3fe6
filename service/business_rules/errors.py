"""Errors of rules files and files of availability."""

from typing import NamedTuple

_SHOWN = 10


class Mistake(NamedTuple):
    """One mistake in a file; `line` counts from 1, and is None if the file has no lines."""

    line: int | None
    message: str


class RulesError(ValueError):
    """A rules file, or a file of availability, that cannot be used."""

    def __init__(self, source: str, mistakes: list[Mistake]) -> None:
        shown = [
            f"{source}: {message}" if line is None else f"{source}, line {line}: {message}"
            for line, message in mistakes[:_SHOWN]
        ]
        if len(mistakes) > _SHOWN:
            shown.append(f"{source}: and {len(mistakes) - _SHOWN} more")
        super().__init__("\n".join(shown))
        self.mistakes = mistakes
