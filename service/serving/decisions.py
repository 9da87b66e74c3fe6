"""What the workers of a service decide about bundles: one decides, the others follow.

Workers share a directory. Who decides holds a lock in it, which the kernel releases if the worker
dies: then another one decides. A single worker keeps its decision in memory.
"""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from service.bundle.publishing import CURRENT
from service.support.files import locked, signature, write_whole


class Sighting(NamedTuple):
    """What was seen where bundles are looked for.

    Attributes:
        mark: changes when `current` is moved or made anew, and with the files of the bundle.
        target: directory of the bundle; None if there is none.
    """

    mark: str
    target: Path | None


def sight(bundles: Path) -> Sighting:
    """Look at a directory whose `current` points at a bundle, or at a bundle itself."""
    link = bundles / CURRENT
    try:
        made = link.lstat() if os.path.lexists(link) else None
        target = (bundles if made is None else link).resolve(strict=True)
        files = sorted((each.name, signature(each)) for each in target.iterdir())
    except (OSError, RuntimeError):  # RuntimeError: links in a cycle
        return Sighting("", None)
    facts = (made and (made.st_mtime_ns, made.st_ino), str(target), files)
    return Sighting(blake2b(repr(facts).encode(), digest_size=16).hexdigest(), target)


class Decision(NamedTuple):
    """The latest decision.

    Attributes:
        mark: of the sighting that it is about.
        accepted: directory of the bundle that answers.
        previous: directory of the one that answered before it; None if none did.
        refused: why what was seen does not answer; None if it does.
        again: the second, of `time.monotonic`, at which what was refused is to be tried again; None
            if not before something has changed.
    """

    mark: str
    accepted: Path
    previous: Path | None
    refused: str | None
    again: float | None = None

    def is_about(self, sighting: Sighting) -> bool:
        """Whether there is nothing to decide about what was seen, at least for now."""
        return self.mark == sighting.mark and (self.again is None or monotonic() < self.again)


class Decisions:
    """The latest decision of all workers, and the right to make the next one."""

    def __init__(self, directory: Path | None = None) -> None:
        """Shares decisions in a directory, if there is one."""
        self._file = directory / "decision.json" if directory is not None else None
        self._latest: Decision | None = None
        self._holds_lock = False

    def latest(self) -> Decision | None:
        """Return what was decided last; None before the first decision."""
        if self._file is not None:
            try:
                self._latest = _decoded(self._file.read_bytes())
            except OSError:
                if self._latest is not None:  # the directory was removed
                    with suppress(OSError):
                        write_whole(self._file, _encoded(self._latest))
        return self._latest

    def record(self, decision: Decision) -> None:
        """Have all workers follow a decision.

        Raises:
            OSError: the directory cannot be written; the decision before stays in force.
        """
        if self._file is not None:
            write_whole(self._file, _encoded(decision))
        self._latest = decision

    @contextmanager
    def deciding(self, patience_s: float = 0) -> Iterator[bool]:
        """Yield whether this worker may decide; no other one may while the block runs.

        Waits for up to `patience_s` while another one decides.
        """
        if self._file is None or self._holds_lock:
            yield True
            return
        place = self._file.with_name("deciding")
        with ExitStack() as held:
            try:
                place.mkdir(exist_ok=True)
                held.enter_context(locked(place, monotonic() + patience_s))
            except OSError:  # another one decides, or the directory was removed
                yield False
                return
            self._holds_lock = True
            try:
                yield True
            finally:
                self._holds_lock = False


def _encoded(decision: Decision) -> bytes:
    return json.dumps(decision, default=str).encode()


def _decoded(content: bytes) -> Decision:
    mark, accepted, previous, *rest = json.loads(content)
    return Decision(mark, Path(accepted), previous and Path(previous), *rest)
