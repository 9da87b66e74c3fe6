"""Directories that appear complete or not at all, however their writer dies.

A directory is written under a temporary name beside its final one, made durable, then renamed, and
the link `current` is moved onto it in one step. Its writer holds a lock on it while it lives: the
kernel lets go of the lock when the writer is killed, which is how the next one knows what to sweep.
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from service.support.files import locked, sync

__all__ = ["CURRENT", "point_current_at", "publish", "staging"]

CURRENT = "current"
_PREFIX = ".building-"


@contextmanager
def staging(out: Path) -> Iterator[Path]:
    """Yield a fresh directory inside `out`; whatever is left of it at the end is removed."""
    out.mkdir(parents=True, exist_ok=True)
    with locked(out):
        _sweep(out)
        staged = _temporary_name(out)
        staged.mkdir()
        alive = os.open(staged, os.O_RDONLY)
        fcntl.flock(alive, fcntl.LOCK_EX)
    try:
        yield staged
    finally:
        shutil.rmtree(staged, ignore_errors=True)
        os.close(alive)


def publish(staged: Path, final: Path, is_intact: Callable[[Path], bool]) -> None:
    """Give `staged` its final name and make it `current`.

    A directory that already has that name holds the same contents, so it stays if it is intact:
    replacing it would leave a moment without any.
    """
    out = final.parent
    with locked(out):
        if final.exists() and not is_intact(final):
            final.rename(_temporary_name(out))
        if not final.exists():
            sync(staged)
            staged.rename(final)
        _move_current(out, final)
        sync(out)


def point_current_at(out: Path, directory: Path) -> None:
    """Move `out/current` onto a directory, or make it anew where it points.

    Raises:
        OSError: there is no such link, or no such directory, or `out` cannot be written.
    """
    (out / CURRENT).readlink()
    directory.stat()
    with locked(out):
        _move_current(out.resolve(), directory)


def _move_current(out: Path, directory: Path) -> None:
    link = out / f".{CURRENT}"
    link.unlink(missing_ok=True)
    link.symlink_to(os.path.relpath(directory, out))
    sync(out)  # the name that `current` will point at must outlive a power cut
    link.replace(out / CURRENT)


def _sweep(out: Path) -> None:
    """Remove what killed writers left; what a living one has locked is not ours to touch."""
    for leftover in out.glob(f"{_PREFIX}*"):
        descriptor = os.open(leftover, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(leftover)
        except BlockingIOError:
            continue
        finally:
            os.close(descriptor)


def _temporary_name(out: Path) -> Path:
    return out / f"{_PREFIX}{secrets.token_hex(8)}"
