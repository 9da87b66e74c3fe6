"""The shop's files: read at start, and again whenever they change."""

from collections.abc import Callable, Sequence
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from service.bundle.catalogue import Catalogue
from service.business_rules.availability import read_availability
from service.business_rules.errors import Mistake, RulesError

if TYPE_CHECKING:
    from service.business_rules.compiling import CompiledRule, Compiler
    from service.business_rules.rulebook import Rulebook

__all__ = ["Reload", "RuleFiles", "read_rules"]

_Content = TypeVar("_Content")
_Signature = tuple[int, int, int] | None


class Reload(NamedTuple):
    """A file that changed; `refused` says why it is not in force, and is None if it is."""

    file: str
    path: Path
    refused: str | None


class _File(Generic[_Content]):
    """One file, as it was when it was last fit for use."""

    def __init__(self, name: str, path: Path, read: Callable[[Path], _Content]) -> None:
        self._name, self._path, self._read = name, path, read
        self._seen = _signature(path)
        self.refused: str | None = None
        self.content = read(path)

    def look(self) -> Reload | None:
        """Reads the file again if it changed; tells if it did."""
        if (signature := _signature(self._path)) == self._seen:
            return None
        self._seen = signature
        try:
            self.content = self._read(self._path)
        except RulesError as error:
            self.refused = str(error)
        else:
            self.refused = None
        return Reload(self._name, self._path, self.refused)


class RuleFiles:
    """The rules file and the file of availability, either of which may be missing.

    Attributes:
        rulebook: what is in force; None if there is neither file.
    """

    def __init__(self, catalogue: Catalogue, rules: Path | None, availability: Path | None) -> None:
        """Reads the files.

        Raises:
            RulesError: one of them cannot be used.
        """
        self._catalogue = catalogue
        self._rules = self._availability = None
        if rules is not None:
            compiler = _compiler(catalogue)
            self._rules = _File("rules", rules, lambda path: read_rules(path, compiler))
        if availability is not None:
            index = catalogue.index
            self._availability = _File(
                "availability", availability, lambda path: read_availability(path, index)
            )
        self.rulebook = self._combined()

    @property
    def refused(self) -> str | None:
        """Why the newest files are not in force; None if they are."""
        refused = [each.refused for each in (self._rules, self._availability) if each is not None]
        return "\n".join(each for each in refused if each is not None) or None

    def look(self) -> list[Reload]:
        """Reads again what changed; what is not fit for use leaves the old in force."""
        files = [each for each in (self._rules, self._availability) if each is not None]
        reloads = [reload for each in files if (reload := each.look()) is not None]
        if any(each.refused is None for each in reloads):
            self.rulebook = self._combined()
        return reloads

    def at(self, clock: Callable[[], float]) -> "Rulebook":
        """The rulebook in force, by another clock."""
        return self._book([] if self._rules is None else self._rules.content, clock)

    def trial(self, text: str, clock: Callable[[], float]) -> "Rulebook":
        """The rulebook as it would be with other rules.

        Raises:
            RulesError: they cannot be used.
        """
        return self._book(_compiler(self._catalogue).compile(text, "rules"), clock)

    def _combined(self) -> "Rulebook | None":
        if self._rules is None and self._availability is None:
            return None
        return self.at(time)

    def _book(self, rules: "Sequence[CompiledRule]", clock: Callable[[], float]) -> "Rulebook":
        from service.business_rules.rulebook import Rulebook

        availability = None if self._availability is None else self._availability.content
        return Rulebook(rules, availability, len(self._catalogue), clock)


def _compiler(catalogue: Catalogue) -> "Compiler":
    from service.business_rules.compiling import Compiler

    return Compiler(catalogue)


def read_rules(path: Path, compiler: "Compiler") -> "list[CompiledRule]":
    """Reads a rules file.

    Raises:
        RulesError: it cannot be used.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"expected a readable YAML file, found: {error}"
        raise RulesError(str(path), [Mistake(None, message)]) from error
    return compiler.compile(text, str(path))


def _signature(path: Path) -> _Signature:
    """What changes when the file does; None while there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
