"""Text files: packed or not, in whatever encoding, or refused with the line that is no text."""

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TextIO

from index_builder.transactions.errors import UnreadableFileError

_GZIP_MAGIC = b"\x1f\x8b"

_MARKS = (  # the longer ones first: one begins with another
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_GUESSES = ("cp1252", "latin-1")  # the encodings of most files that are not UTF-8


class TextKind(NamedTuple):
    """How a text is written: whether it is compressed by gzip, and its encoding."""

    packed: bool
    encoding: str


def text_kind(path: Path, encoding: str | None) -> TextKind:
    """Looks at the first bytes of a file.

    Args:
        path: the file.
        encoding: the one that is given; None: UTF-8, or what a byte order mark says.

    Raises:
        UnreadableFileError: they are UTF-16 without a mark.
    """
    with path.open("rb") as file:
        start = file.read(1 << 12)
    packed = start.startswith(_GZIP_MAGIC)
    if packed:
        with gzip.open(path) as unpacked:
            start = unpacked.read(1 << 12)
    return TextKind(packed, encoding or _encoding(path, start))


@contextmanager
def open_text(path: Path, kind: TextKind) -> Iterator[TextIO]:
    """Opens a text, with its line ends as they are."""
    with (gzip.open if kind.packed else open)(path, "rb") as raw:
        yield io.TextIOWrapper(raw, encoding=kind.encoding, newline="")


@contextmanager
def refusing_what_is_no_text(path: Path, encoding: str | None) -> Iterator[None]:
    """Refuses a file that the block cannot read.

    Args:
        path: the file.
        encoding: the one that is given.

    Raises:
        UnreadableFileError: in place of what decoding and unpacking raise.
    """
    try:
        yield
    except UnicodeError as error:
        raise _no_text(path, encoding or "utf-8", error) from error
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableFileError(f"{path}: not readable as CSV: {error}") from error


def _encoding(path: Path, start: bytes) -> str:
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding
    if start.count(0) > len(start) // 4:
        side = "le" if start[1:2] == b"\0" else "be"
        raise UnreadableFileError(
            f"{path}: line 1: expected text in UTF-8, found many zero bytes.\n"
            f"Read it with --encoding utf-16-{side}, or save it as UTF-8."
        )
    return "utf-8"


def _no_text(path: Path, encoding: str, error: UnicodeError) -> UnreadableFileError:
    """The error for bytes that cannot be decoded, with their line if it can be found."""
    if encoding not in ("utf-8", "utf-8-sig"):
        return UnreadableFileError(
            f"{path}: expected text in {encoding}: {error}\nGive another --encoding."
        )
    number, line = _first_other_line(path)
    guess = next(each for each in _GUESSES if _reads(line, each))
    return UnreadableFileError(
        f"{path}: line {number}: not readable as CSV: expected text in UTF-8, found other bytes.\n"
        f"With --encoding {guess} the line reads: {line.decode(guess)[:200]}\n"
        "If that is right, give this option; if not, another encoding."
    )


def _first_other_line(path: Path) -> tuple[int, bytes]:
    """The number of the first line, from 1, that is not UTF-8, and the line."""
    with open_text(
        path, TextKind(_is_packed(path), "latin-1")
    ) as text:  # which decodes all bytes, one by one
        lines = ((row, line.encode("latin-1").strip(b"\r\n")) for row, line in enumerate(text, 1))
        return next((row, line) for row, line in lines if not _reads(line, "utf-8"))


def _reads(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _is_packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == _GZIP_MAGIC
