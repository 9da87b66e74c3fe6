"""Publishing: a directory appears complete or not at all, even if its writer is killed.

It is written under a temporary name beside its final one, synced to the disk and renamed; then the
link `current` is moved to it in one step. The writer holds a lock on its directory. The kernel
releases that lock when the writer dies, and the next writer deletes directories without a lock.
"""

import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from service.support.files import locked, remove_unlocked, sync

CURRENT = "current"
PREVIOUS = "previous"
_PREFIX = ".building-"
_RANDOM_BYTES = 8
_RANDOM = re.compile(f"[0-9a-f]{{{2 * _RANDOM_BYTES}}}")


@contextmanager
def staging(out: Path, prefix: str = _PREFIX) -> Iterator[Path]:
    """Yield a new directory inside `out`; if it still has this name at the end, it is removed.

    Args:
        out: made if it is missing.
        prefix: of the new directory's name. Those of dead writers with this prefix are removed.

    Raises:
        OSError: `out` cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    with locked(out):
        _sweep(out, prefix)
        staged = _temporary_name(out, prefix)
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

    A directory that already has this name holds the same contents. It stays if it is intact:
    replacing it would leave a moment without one.
    """
    out = final.parent
    with locked(out):
        if final.exists() and not is_intact(final):
            final.rename(_temporary_name(out))
        if not final.exists():
            sync(staged)
            staged.rename(final)
        _move(out / CURRENT, final)
        sync(out)


def point_current_at(out: Path, directory: Path) -> None:
    """Move the link `out/current` to a directory; it is made anew even if it points there.

    Raises:
        OSError: link or directory does not exist, or `out` cannot be written.
    """
    (out / CURRENT).readlink()
    directory.stat()
    with locked(out):
        _move(out.resolve() / CURRENT, directory)


def remember_previous(out: Path, current: Path, previous: Path) -> None:
    """Move the link `out/previous` to the bundle before `current`; `rollback` goes back to it.

    Nothing is done if `out/current` no longer points at `current`.

    Raises:
        OSError: `out` cannot be written.
    """
    with locked(out):
        if (out / CURRENT).resolve(strict=True) == current:
            _move(out.resolve() / PREVIOUS, previous)


def _move(link: Path, directory: Path) -> None:
    out = link.parent
    new = out / f".{link.name}"
    new.unlink(missing_ok=True)
    new.symlink_to(os.path.relpath(directory, out))
    sync(out)  # the directory's name must be on the disk before the link points at it
    if link.is_dir() and not link.is_symlink():  # a copy that followed links
        link.rename(out / f"{link.name}-{secrets.token_hex(4)}")
    new.replace(link)


def _sweep(out: Path, prefix: str) -> None:
    """Remove the directories of dead writers: those that are not locked."""
    for leftover in out.iterdir():
        name = leftover.name
        is_ours = name.startswith(prefix) and _RANDOM.fullmatch(name.removeprefix(prefix))
        if is_ours and leftover.is_dir():
            remove_unlocked(leftover)


def _temporary_name(out: Path, prefix: str = _PREFIX) -> Path:
    return out / f"{prefix}{secrets.token_hex(_RANDOM_BYTES)}"
