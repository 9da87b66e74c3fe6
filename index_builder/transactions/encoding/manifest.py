"""The manifest of encoded tables: what is in them, and how to tell that it is all there."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Final, Literal, Self

import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from index_builder.transactions.encoding.schemas import BASKETS, ITEM_CODES, USER_CODES
from index_builder.transactions.encoding.signed import Signed
from index_builder.transactions.errors import EncodedTablesError
from index_builder.transactions.read_summary import ReadSummary
from index_builder.transactions.tables import Notice
from service.support.files import read_regular, write_whole
from service.support.invalid_fields import TEXT, field_error

MANIFEST = "manifest.json"
REMEDY = "The files are not those that were written: run rtt2vec-build encode again."
FORMAT_VERSION: Final = 2
_LIMIT_BYTES = 1 << 26  # names and rows of half a million files


_Count = Annotated[int, Field(ge=0, lt=1 << 63)]


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Notice(_Facts):
    text: str
    count: _Count
    first: str


class _Summary(_Facts):
    """A `ReadSummary`."""

    source: str
    rows_read: _Count
    rows_kept: _Count
    dropped: dict[str, _Count]
    users: _Count
    baskets: _Count
    items: _Count
    first: datetime
    last: datetime
    long_baskets: _Count
    guest_baskets: _Count
    unused_columns: tuple[str, ...]
    notices: tuple[_Notice, ...]


class EncodedManifest(_Facts, Signed):
    """What is in a folder of encoded tables.

    Attributes:
        format_version: of the tables.
        summary: of what was read.
        files: number of rows, by the name of the file, in the order of the rows.
        digests: of the values of each column; see `Digests`.
    """

    format_version: Literal[2]
    summary: _Summary
    files: dict[str, _Count]
    digests: dict[str, str]

    @field_validator("files")
    @classmethod
    def _names_the_tables(cls, files: dict[str, int]) -> dict[str, int]:
        if missing := {ITEM_CODES, USER_CODES}.difference(files):
            raise ValueError(f"expected {min(missing)} among them")
        for name in sorted(files.keys() - {ITEM_CODES, USER_CODES}):
            if "/" in name or not fnmatchcase(name, BASKETS):
                raise ValueError(f"expected names like {BASKETS}, and {name!r} is none")
        return files

    @classmethod
    def of(cls, folder: Path, summary: ReadSummary, digests: Mapping[str, str]) -> Self:
        """Describes the files of a folder."""
        names = [ITEM_CODES, USER_CODES, *sorted(each.name for each in folder.glob(BASKETS))]
        rows = {name: pq.read_metadata(folder / name).num_rows for name in names}
        return cls(
            format_version=FORMAT_VERSION,
            summary=_Summary.model_validate(asdict(summary)),
            files=rows,
            digests=dict(digests),
        ).signed()

    def read_summary(self) -> ReadSummary:
        """The summary of what was read."""
        facts = dict(self.summary) | {
            "notices": tuple(Notice(**dict(notice)) for notice in self.summary.notices)
        }
        return ReadSummary(**facts)


def write_manifest(folder: Path, manifest: EncodedManifest) -> None:
    """Writes the manifest into its folder."""
    write_whole(folder / MANIFEST, (manifest.model_dump_json(indent=1) + "\n").encode())


def read_manifest(folder: Path) -> EncodedManifest:
    """Reads the manifest of a folder.

    Raises:
        EncodedTablesError: there is none, it is of another version, or it was changed.
    """
    path = folder / MANIFEST
    try:
        manifest = EncodedManifest.model_validate_json(read_regular(path, _LIMIT_BYTES))
    except OSError as error:
        raise EncodedTablesError(
            f"{folder}: expected encoded tables, found no {MANIFEST}.\n"
            "Make them: rtt2vec-build encode."
        ) from error
    except ValidationError as error:
        raise EncodedTablesError(
            f"{path}: {field_error(error.errors()[0], TEXT)}\n"
            f"Expected: version {FORMAT_VERSION}, as rtt2vec-build encode of this release writes."
        ) from error
    if (expected := manifest.signed().sha256) != manifest.sha256:
        raise EncodedTablesError(
            f"{path}: expected the sha256 {expected}, found {manifest.sha256 or 'none'}.\n{REMEDY}"
        )
    return manifest
