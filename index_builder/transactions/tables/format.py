"""The format of a shop's files: what the caller says of it; the rest is found in the files."""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass, field

SEPARATORS = (",", ";", "\t", "|")
"""The separators that are tried if none is given."""

_NAMES = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "pipe": "|", "space": " "}


class FormatError(ValueError):
    """A format that no file can have; the message says what was expected."""


@dataclass(frozen=True)
class Format:
    """How files are written.

    Attributes:
        encoding: of text files; None: UTF-8, or what a byte order mark says.
        separator: of fields, one character; None: found by the names of the columns.
        escape: a character that stands before a quotation mark inside quotation marks, a backslash
            as MySQL writes it; None: such marks are doubled.
        quotes: whether a field that begins with a quotation mark ends with one; if not, all marks
            are data.
        columns: names that columns have in the files, by the names that are wanted; several
            between plus signs make one column.
    """

    encoding: str | None = None
    separator: str | None = None
    escape: str | None = None
    quotes: bool = True
    columns: Mapping[str, str] = field(default_factory=dict)

    def parts(self, column: str) -> list[str]:
        """The columns in the files that a wanted column is made of, with a space between them."""
        return self.columns.get(column, column).split("+")

    @classmethod
    def of(
        cls,
        encoding: str | None,
        separator: str | None,
        escape: str | None,
        quotes: bool,
        columns: list[str],
    ) -> "Format":
        """Makes a format of what was typed: `tab` for a separator, `user_id=Customer` for a column.

        Raises:
            FormatError: an unknown encoding, a separator of several characters, or the like.
        """
        if encoding is not None:
            _refuse_unknown(encoding)
        if separator is not None:
            separator = _NAMES.get(separator.lower(), separator)
        for name, mark in (("separator", separator), ("escape", escape)):
            if mark is not None and (len(mark) != 1 or not mark.isascii() or mark in '"\r\n'):
                raise FormatError(
                    f"{name}: expected one character, such as ; or tab, found {mark!r}"
                )
        pairs = [pair.partition("=") for pair in columns]
        if any(not (wanted and found) for wanted, _, found in pairs):
            raise FormatError(f"column: expected wanted=found, user_id=Customer say, not {columns}")
        return cls(encoding, separator, escape, quotes, {want: found for want, _, found in pairs})


def _refuse_unknown(encoding: str) -> None:
    try:
        codecs.lookup(encoding)
        "".encode(encoding)  # `lookup` knows some that are not for text, too
    except LookupError as error:
        raise FormatError(
            f"encoding: expected one that Python knows, such as cp1252, latin-1 or utf-16, "
            f"found {encoding!r}"
        ) from error
