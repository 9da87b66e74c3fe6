"""The users who are to be forgotten: a list beside the bundles.

    DIR/forgotten.txt
        rtt2vec-forgotten 1 <key>     64 hex digits, random
        <hash> <moment>               of one user; a line for each time that a user is forgotten

Purchases before the moment, in epoch seconds, count no more: in profiles, in builds, and when they
arrive late. All processes look at the list before they use a user's data, so that a line holds at
once, also after restarts and with other bundles. Whoever has to delete something keeps the number
of lines that are done, so lines are only ever added.

Hashes are keyed with the key of the list. It tells whether a known user is in it; it is no list of
those who wanted to be forgotten.
"""

import logging
import os
import re
import time
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from io import FileIO
from pathlib import Path
from secrets import token_hex
from threading import Lock
from typing import NamedTuple, Self

from service.support.files import append, locked, read_regular, sync

_logger = logging.getLogger(__name__)

_NAME = "forgotten.txt"
_HEAD = re.compile(rb"rtt2vec-forgotten 1 ([0-9a-f]{64})\n")
_LINE = re.compile(rb"([0-9a-f]{32}) ([0-9]{1,12})\n")
_LIMIT_BYTES = 64 << 20  # more than a million lines
_LOCK_S = 5.0  # the longest wait for another writer
_AGAIN_S = 1.0  # until a list that could not be read is tried again

_Line = tuple[bytes, int]


class ForgottenUsersError(OSError):
    """The list cannot be read, or has another form."""


class Forgotten(NamedTuple):
    """Users who are to be forgotten.

    Attributes:
        key: of the hashes.
        moments: by hash, the epoch second from which purchases count again.
        lines: number of lines of the list, up to the last of these users.
    """

    key: bytes
    moments: Mapping[bytes, int]
    lines: int

    def since(self, user_id: str) -> int | None:
        """The epoch second from which a user's purchases count; None for all of them."""
        return self.moments.get(_hash(self.key, user_id)) if self.moments else None


class ForgottenUsers:
    """The list of a directory of bundles; safe to share between threads and processes.

    Attributes:
        directory: of the bundles.
    """

    def __init__(self, directory: Path) -> None:
        """Reads nothing yet."""
        self.directory = directory
        self._path = directory / _NAME
        self._lock = Lock()
        self._seen: tuple[int, ...] | None = None
        self._end = 0  # of the bytes that were read
        self._lines: list[_Line] = []
        self._known: Forgotten | None = None
        self._not_before = 0.0

    @classmethod
    def beside(cls, bundle: Path) -> Self:
        """The list for a bundle, or for a directory of bundles."""
        bundle = bundle.absolute()  # the parent of a link is where the link is
        return cls(bundle.parent if (bundle / "manifest.json").is_file() else bundle)

    def now(self) -> Forgotten:
        """All forgotten users, as of now. While the list cannot be read, those known before.

        Raises:
            ForgottenUsersError: the list was never read.
        """
        known = self._known
        if known is not None and time.monotonic() < self._not_before:
            return known
        try:
            return self._look()
        except OSError as error:
            if known is None:
                raise ForgottenUsersError(f"forgotten users not read: {error}") from error
            self._not_before = time.monotonic() + _AGAIN_S
            _logger.error("forgotten users not read: %s", error)
            return known

    def since(self, user_id: str) -> int | None:
        """As in `Forgotten`, as of now."""
        return self.now().since(user_id)

    def after(self, key: bytes, lines: int) -> Forgotten:
        """The users of the lines after some that are done; of all lines if they have another key.

        Raises:
            ForgottenUsersError: the list was never read.
        """
        now = self.now()
        begin = lines if key == now.key else 0
        return now._replace(moments=_latest(self._lines[begin : now.lines], {}))

    def add(self, user_id: str, moment: int) -> None:
        """Adds a user; the line is on disk when this returns.

        Args:
            user_id: the user, who need not be known.
            moment: the epoch second from which purchases count again.

        Raises:
            OSError: the list cannot be read or written; the user is not forgotten.
        """
        with locked(self.directory, time.monotonic() + _LOCK_S):
            key = self._look().key or token_hex(32).encode()
            line = (_hash(key, user_id), moment)
            # With the permissions of the bundles: whoever answers from them has to read the list.
            with FileIO(str(self._path), "a") as file:
                if 0 < self._end <= os.fstat(file.fileno()).st_size:
                    append(file, self._end, _written([line]))
                else:  # a new list, or one that was removed while its users are known
                    head = b"rtt2vec-forgotten 1 %s\n" % key
                    append(file, 0, head + _written([*self._lines, line]))
            sync(self.directory)

    def _look(self) -> Forgotten:
        """Read the list if it has changed.

        Raises:
            OSError: it cannot be read, or has another form.
        """
        with self._lock:
            known = self._known or Forgotten(b"", {}, 0)
            try:
                found = self._path.stat()
            except FileNotFoundError:  # none yet, or removed: then the known users stay forgotten
                self._known = known
                return known
            seen = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
            if seen != self._seen:
                self._known = self._read(seen, known)
            return self._known or known

    def _read(self, seen: tuple[int, ...], known: Forgotten) -> Forgotten:
        """Read what was added since the last time, or the whole list if it is another file."""
        before, self._seen = self._seen, None
        has_grown = before is not None and before[:2] == seen[:2] and before[2] <= seen[2]
        start = self._end if has_grown else 0
        content = read_regular(self._path, _LIMIT_BYTES, start)
        content = content[: content.rfind(b"\n") + 1]  # half a line was never acknowledged
        head = None if start else _HEAD.match(content)
        lines = [(name, int(moment)) for name, moment in _LINE.findall(content)]
        parsed = (head[0] if head else b"") + _written(lines)
        if parsed != content or (content and not (head or start)):
            raise ForgottenUsersError(f"{self._path}: expected a list of forgotten users")
        if head:
            self._lines = []
            # While the list is copied over, its first part must not hide users of the rest.
            known = known if known.key == head[1] else Forgotten(head[1], {}, 0)
        if head or start:
            self._lines += lines
            known = Forgotten(known.key, _latest(lines, known.moments), len(self._lines))
        self._seen, self._end = seen, start + len(content)
        return known


def _hash(key: bytes, user_id: str) -> bytes:
    user = user_id.encode(errors="surrogatepass")
    return blake2b(user, key=key, digest_size=16).hexdigest().encode()


def _written(lines: Iterable[_Line]) -> bytes:
    return b"".join(b"%s %d\n" % line for line in lines)


def _latest(lines: Iterable[_Line], known: Mapping[bytes, int]) -> dict[bytes, int]:
    """The latest moment of each user, those that are known among them."""
    moments = dict(known)
    for name, moment in lines:
        moments[name] = max(moment, moments.get(name, 0))
    return moments
