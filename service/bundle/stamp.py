"""The stamp: a note on this machine that the large files of a bundle were verified.

A bundle of millions of users has gigabytes, which every start of a worker would have to read. The
first process that loads a bundle reads and checks all of it, and leaves a stamp among this user's
own files. Processes that find it check that the large files have the same inodes, sizes and times
of change, and read the others. Only this user can leave a stamp. Bits that a disk lost without a
write are not found while it holds. A stamp has the path of its bundle, and goes after that is gone.
"""

import hashlib
import os
import time
from contextlib import suppress
from pathlib import Path

from service.bundle.manifest import Manifest
from service.support.files import make_own, own_directories, refuse_shared, signature

LARGE_BYTES = 64 << 20  # read within .05 s
MOST_STAMPS = 100
_SETTLED_S = 2.0  # by when a file system gives another time to another change
_FOLDER = "verified"


class Stamp:
    """Of a bundle, as its files are when this is made.

    Attributes:
        files: the large files by name.
        found: whether they were verified before.
    """

    def __init__(self, directory: Path, manifest: Manifest) -> None:
        """Looks at the files, which must be there, and for the stamp.

        Raises:
            OSError: a file is missing.
        """
        sizes = {name: facts.bytes for name, facts in manifest.files.items()}
        self.files = frozenset(name for name, size in sizes.items() if size >= LARGE_BYTES)
        seen = {name: signature(directory / name) for name in sorted(self.files)}
        newest = max((max(mtime, ctime) for mtime, ctime, *_ in seen.values()), default=0)
        self._settled = newest < time.time_ns() - _SETTLED_S * 1e9
        self._directory = directory.resolve()
        facts = (_checks(), str(directory), manifest.bundle_id, seen)
        self._name = hashlib.sha256(repr(facts).encode()).hexdigest()
        places = own_directories() if self.files else ()
        self.found = any(_is_there(own, self._name) for own in places)

    def leave(self) -> None:
        """Note that all files, as they were when this was made, are verified.

        Where nothing can be written, or if a file had just been written, nothing is noted.
        """
        if not self.files or self.found or not self._settled:
            return
        for own in own_directories():
            with suppress(OSError):
                make_own(own)
                (own / _FOLDER).mkdir(mode=0o700, exist_ok=True)
                _remove_useless(own / _FOLDER)
                (own / _FOLDER / self._name).write_bytes(os.fsencode(self._directory))
                return


def _is_there(own: Path, name: str) -> bool:
    try:
        refuse_shared(own)
        return (own / _FOLDER / name).is_file()
    except OSError:
        return False


def _remove_useless(folder: Path) -> None:
    """Remove the stamps of bundles that are gone, and the oldest of very many."""
    left = []
    for path in folder.iterdir():
        with suppress(OSError):  # another process removed it
            directory = os.fsdecode(path.read_bytes())
            if Path(directory).is_absolute() and Path(directory).is_dir():
                left.append((path.stat().st_mtime_ns, path))
            else:
                path.unlink()
    for _, path in sorted(left, reverse=True)[MOST_STAMPS - 1 :]:
        path.unlink(missing_ok=True)


def _checks() -> str:
    """The code that verifies; another release may check more."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(each.read_bytes() for each in sources)).hexdigest()
