"""The rules file and the file of availability, read at start and after each change."""

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

_Content = TypeVar("_Content")
_Signature = tuple[int, int, int] | None


class Reload(NamedTuple):
    """A file that changed; `refused` is the reason why it is not in force, or None."""

    file: str
    path: Path
    refused: str | None


class _File(Generic[_Content]):
    """The last valid content of one file."""

    def __init__(self, name: str, path: Path, read: Callable[[Path], _Content]) -> None:
        self._name, self._path, self._read = name, path, read
        self._seen = _signature(path)
        self.refused: str | None = None
        self.content = read(path)

    def look(self) -> Reload | None:
        """Reads the file again if it changed; None if it did not."""
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
    """The rules file and the file of availability; the shop may have both, one or none.

    Attributes:
        rulebook: the one in force; None if there is neither file.
    """

    def __init__(self, catalogue: Catalogue, rules: Path | None, availability: Path | None) -> None:
        """Reads the files.

        Raises:
            RulesError: one of them is not valid.
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
        """The reasons why the newest files are not in force; None if they are."""
        refused = [each.refused for each in (self._rules, self._availability) if each is not None]
        return "\n".join(each for each in refused if each is not None) or None

    def look(self) -> list[Reload]:
        """Reads the files that changed; if a new content is not valid, the old stays in force."""
        files = [each for each in (self._rules, self._availability) if each is not None]
        reloads = [reload for each in files if (reload := each.look()) is not None]
        if any(each.refused is None for each in reloads):
            self.rulebook = self._combined()
        return reloads

    def at(self, clock: Callable[[], float]) -> "Rulebook":
        """The rulebook in force, with another clock."""
        return self._book([] if self._rules is None else self._rules.content, clock)

    def trial(self, text: str, clock: Callable[[], float]) -> "Rulebook":
        """The rulebook that a rules file with this text would give.

        Raises:
            RulesError: the text is not valid.
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
        RulesError: it cannot be read, or is not valid.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"expected a readable YAML file, found: {error}"
        raise RulesError(str(path), [Mistake(None, message)]) from error
    return compiler.compile(text, str(path))


def _signature(path: Path) -> _Signature:
    """A value that changes with the file; None while there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
