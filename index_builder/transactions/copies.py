"""Copies: sources that are elsewhere, brought to this machine to be read like its own files."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.fs as fs
import pyarrow.parquet as pq

from index_builder.transactions.encoding.engines import Catalogue
from index_builder.transactions.encoding.kept_lines import KeptLines
from index_builder.transactions.errors import DataError, EmptyDataError, UnreadableFileError
from index_builder.transactions.line_files import COLUMNS, OPTIONAL_COLUMNS
from index_builder.transactions.tables import Format, is_data_file

_CHUNK = 1 << 22  # bytes copied at once

_Objects = dict[PurePosixPath, fs.FileInfo]


@contextmanager
def files_here(source: str, folder: Path, kept: KeptLines) -> Iterator[Path]:
    """Yields where the files of a source are; those of another machine are copied into the folder.

    Of files whose lines are kept, only size and time of change are copied.

    Args:
        source: a path, or a URL that Arrow's file systems know: s3://bucket/folder, say.
        folder: for copies; new.
        kept: lines of an encoding before.

    Raises:
        UnreadableFileError: nothing is there, or it cannot be read.
    """
    if not is_url(source):
        yield Path(source)
        return
    name = shown(source)
    if "@" in urlsplit(source).netloc:
        raise UnreadableFileError(
            f"{name}: expected no credentials in the URL, where others can read them.\n"
            "Give them by the environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, say."
        )
    with _refusing(source, name):
        files, where = fs.FileSystem.from_uri(source)
        if not where:
            raise UnreadableFileError(f"{name}: expected a bucket, s3://bucket/folder say.")
        found = files.get_file_info(where)
        if found.type is fs.FileType.NotFound:
            raise UnreadableFileError(f"{name}: no such object.")
        if isinstance(files, fs.LocalFileSystem):
            copy = Path(where)
        elif found.is_file:
            copy = folder / PurePosixPath(where).name
            _copy(files, found, copy)
        else:
            copy = folder
            folder.mkdir()
            objects = _objects(files, where, name)
            _copy_folder(files, objects, folder, kept)
    with _naming(copy, name.rstrip("/")):
        yield copy


@contextmanager
def table_here(catalogue: Catalogue, table: str, given: Format, folder: Path) -> Iterator[Path]:
    """Yields a Parquet file with the rows of a table that a session knows.

    Args:
        catalogue: of the session.
        table: its name, db.purchases say.
        given: the columns that have other names.
        folder: for the file; new.

    Raises:
        SourceError: there is no such table.
        EmptyDataError: it has no rows.
    """
    wanted = {part for name in (*COLUMNS, *OPTIONAL_COLUMNS) for part in given.parts(name)}
    folder.mkdir()
    copy = folder / "table.parquet"
    writer: pq.ParquetWriter | None = None
    try:
        for batch in catalogue.rows(table, wanted):
            writer = writer or pq.ParquetWriter(copy, batch.schema, compression="lz4")
            writer.write_batch(batch)
    finally:
        if writer is not None:
            writer.close()
    if writer is None:
        raise EmptyDataError(f"{table}: no rows.\nExpected: at least one row.")
    with _naming(copy, table):
        yield copy


def is_url(source: str) -> bool:
    """Whether a source is a URL, and no path."""
    return "://" in source


def shown(source: str) -> str:
    """A source as messages and files may show it: a URL without credentials and parameters."""
    if not is_url(source):
        return source
    scheme, rest = source.split("://", 1)
    rest = re.split(r"[?#;]", rest, maxsplit=1)[0]
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def _objects(files: fs.FileSystem, where: str, name: str) -> _Objects:
    """The objects of a folder that are data files, by their names in it.

    Raises:
        UnreadableFileError: no file can have the name of one.
    """
    found: _Objects = {}
    for each in files.get_file_info(fs.FileSelector(where, recursive=True)):
        path = PurePosixPath(each.path)
        if not each.is_file or not is_data_file(path.relative_to(where)):
            continue
        if str(path) != each.path:  # a//b or a/./b, which Arrow takes for a/b
            raise UnreadableFileError(
                f"{name}: object {each.path!r}: expected a name with no part empty or a dot.\n"
                "Copy it to another name, and remove it."
            )
        found[path.relative_to(where)] = each
    return found


def _copy_folder(files: fs.FileSystem, objects: _Objects, folder: Path, kept: KeptLines) -> None:
    for name, found in objects.items():
        known = kept.knows(str(name), found.size, found.mtime_ns)
        _copy(files, found, folder / name, empty=known and len(objects) > 1)


def _copy(files: fs.FileSystem, found: fs.FileInfo, copy: Path, empty: bool = False) -> None:
    """Copies a file; an empty copy has its size alone, and takes no space."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    with copy.open("wb") as target:
        if empty:
            target.truncate(found.size)
        else:
            with files.open_input_stream(found.path) as source:
                while some := source.read(_CHUNK):
                    target.write(some)
            _refuse_changed(files, found)
    os.utime(copy, ns=(found.mtime_ns, found.mtime_ns))


def _refuse_changed(files: fs.FileSystem, found: fs.FileInfo) -> None:
    """Refuses an object that is another one now: its parts may have been copied of both."""
    now = files.get_file_info(found.path)
    # A listing may have milliseconds where a single object has seconds.
    if (now.size, (now.mtime_ns or 0) // 10**9) != (found.size, (found.mtime_ns or 0) // 10**9):
        raise UnreadableFileError(
            f"object {found.path!r}: expected one that stays as it is while it is copied, found "
            "another one.\nRun again."
        )


@contextmanager
def _refusing(source: str, name: str) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        reason = str(error).replace(source, name)
        raise UnreadableFileError(
            f"{name}: cannot be read: {reason}\n"
            "Expected: a URL such as s3://bucket/folder, and what AWS's own tools need as well: "
            "credentials, AWS_REGION, and AWS_ENDPOINT_URL for another service than Amazon's."
        ) from error


@contextmanager
def _naming(copy: Path, source: str) -> Iterator[None]:
    """Names the source in errors in place of its copy."""
    try:
        yield
    except DataError as error:
        raise type(error)(str(error).replace(str(copy), source)) from error
