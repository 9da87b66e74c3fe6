"""Files that are read with care or survive a power cut; directories with one writer at a time."""

import errno
import fcntl
import os
import re
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from tempfile import TemporaryFile, gettempdir

Signature = tuple[int, int, int, int]

_PAUSE_S = 0.005  # between two attempts to lock


def signature(path: Path) -> Signature:
    """Return a value that changes with the content of a file.

    Raises:
        OSError: there is no such file, or it cannot be looked at.
    """
    found = path.stat()
    return found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size


def read_regular(path: Path, limit_bytes: int, start: int = 0) -> bytes:
    """Return the content of a regular file, from a byte on.

    Raises:
        OSError: the file cannot be read, has more bytes, or is not a regular file (a FIFO or a
            device might never end, or not answer).
    """
    with _opened(path) as descriptor:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            file.seek(start)
            content = file.read(limit_bytes + 1)
    if len(content) > limit_bytes:
        raise OSError(errno.EFBIG, f"more than {limit_bytes:,} bytes", str(path))
    return content


def write_whole(path: Path, content: bytes) -> None:
    """Replace the content of a file in one step; readers see the old content or the new one.

    Raises:
        OSError: the directory cannot be written.
    """
    new = path.with_name(f".{path.name}-{os.getpid()}")
    new.write_bytes(content)
    new.replace(path)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path to write a file to; at the end of the block, the file takes the place of `path`.

    If the block fails, whatever was at `path` stays as it was. What killed writers of it left is
    removed. A device or a pipe is written to directly.

    Raises:
        OSError: the directory cannot be written, `path` is a directory, or this process is writing
            to it already.
    """
    final = path.resolve()
    if final.exists() and not final.is_file():
        yield final
        return
    _remove_leftovers(final)
    new = final.with_name(f".{final.name}-{os.getpid()}")
    with new.open("xb") as alive:
        try:
            fcntl.flock(alive, fcntl.LOCK_EX)
            yield new
            sync(new)
            new.replace(final)
        finally:
            new.unlink(missing_ok=True)


def _remove_leftovers(final: Path) -> None:
    """Remove what writers of a file left that were killed: a living one holds a lock."""
    leftover = re.compile(re.escape(f".{final.name}-") + r"\d+")
    for path in filter(lambda each: leftover.fullmatch(each.name), final.parent.iterdir()):
        remove_unlocked(path)


def remove_unlocked(leftover: Path) -> None:
    """Remove a file or a directory, unless a living writer holds a lock on it."""
    with suppress(OSError), _opened(leftover) as descriptor:  # it is locked, or another user's
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()


def try_to_write(path: Path) -> None:
    """Find out, before a long work, whether its result can be written.

    Args:
        path: of the file to be written; its directory must exist.

    Raises:
        OSError: it cannot.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if path.is_file() or not path.exists():
        _try_directory(path.resolve().parent)


def try_to_write_into(directory: Path) -> None:
    """Find out whether files can be written into a directory, which is made if it is missing.

    Raises:
        OSError: they cannot.
    """
    directory.mkdir(parents=True, exist_ok=True)
    _try_directory(directory)


def _try_directory(directory: Path) -> None:
    try:
        with TemporaryFile(dir=directory):
            pass
    except OSError as error:  # it names the temporary file
        raise OSError(error.errno, f"cannot write: {error.strerror}", str(directory)) from error


def private_file(path: Path, mode: str) -> FileIO:
    """Open a file, as bytes without a buffer; a new one cannot be read by other users."""
    return FileIO(str(path), mode, opener=lambda name, flags: os.open(name, flags, 0o640))


def append(file: FileIO, end: int, content: bytes) -> None:
    """Cut a file off at `end`, and append to it; all is on disk when it returns, or nothing.

    Raises:
        OSError: nothing was appended.
    """
    file.truncate(end)
    if file.write(content) < len(content):  # a full disk is no error yet
        file.truncate(end)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file.name))
    os.fsync(file.fileno())


def append_zeros(descriptor: int, count: int) -> None:
    """Append bytes to a file so that there is room for them; it may be mapped into memory then.

    Args:
        descriptor: of the file, open for appending.
        count: of bytes; 0 or less for none.

    Raises:
        OSError: there is no room; the file is as it was.
    """
    end = os.fstat(descriptor).st_size
    left = count
    try:
        while left > 0:
            left -= os.write(descriptor, bytes(min(left, 1 << 20)))
    except OSError:
        os.ftruncate(descriptor, end)
        raise


def own_directories() -> Iterator[Path]:
    """Yield the directories for this user's own files, which need not exist.

    One is in the user's home, one in the temporary directory; there may be neither.
    """
    with suppress(RuntimeError):  # neither HOME nor an entry in the password file
        yield Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "rtt2vec")
    with suppress(OSError):  # there is none
        yield Path(gettempdir(), f"rtt2vec-{os.getuid()}")


def make_own(directory: Path) -> None:
    """Make a directory that only this user can write to.

    Raises:
        OSError: it cannot be made, or others can write to it.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    refuse_shared(directory)


def refuse_shared(directory: Path) -> None:
    """Refuse a directory that others can write to.

    Raises:
        OSError: they can, or there is no such directory.
    """
    facts = directory.lstat()
    if facts.st_uid != os.getuid() or facts.st_mode & 0o022:  # links have all bits set
        raise PermissionError(f"{directory}: others can write to it")


def sync(path: Path) -> None:
    """Write a file's bytes, or the names in a directory, through to the disk."""
    with _opened(path) as descriptor:
        os.fsync(descriptor)


@contextmanager
def locked(directory: Path, until: float | None = None) -> Iterator[None]:
    """Hold an exclusive lock on `directory`; other writers wait, so keep the block short.

    Args:
        directory: to lock.
        until: the moment, of `time.monotonic`, at which waiting ends; by default it never does.

    Raises:
        TimeoutError: another process or thread held the lock for too long.
    """
    with _opened(directory) as descriptor:
        if until is None:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        else:
            while not _locked_at_once(descriptor):
                if time.monotonic() >= until:
                    raise TimeoutError(errno.ETIMEDOUT, "locked by another writer", str(directory))
                time.sleep(_PAUSE_S)  # flock has no timeout
        yield


def _locked_at_once(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # to open a FIFO would block otherwise
    try:
        yield descriptor
    finally:
        os.close(descriptor)
