"""The rules file and the file of availability, read at start and after each change."""

from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar
from zlib import crc32

from service.bundle.catalogue import Catalogue
from service.business_rules.accepted import AcceptedFiles
from service.business_rules.availability import read_availability
from service.business_rules.errors import MOST, Mistake, RulesError
from service.support.apart import in_time
from service.support.files import Signature, read_regular, signature

if TYPE_CHECKING:
    from service.business_rules.compiling import CompiledRule, Compiler
    from service.business_rules.rulebook import Rulebook

_Content = TypeVar("_Content")

_PATIENCE_S = 5.0  # for a disk to answer
_LIMIT_BYTES = {"rules": 16 << 20, "availability": 256 << 20}


class Reload(NamedTuple):
    """A file that changed; `refused` is the reason why it is not in force, or None."""

    file: str
    path: Path
    refused: str | None


class _File(Generic[_Content]):
    """The last valid content of one file; the last accepted one, if there was none."""

    def __init__(
        self, name: str, path: Path, parse: Callable[[bytes], _Content], accepted: AcceptedFiles
    ) -> None:
        self._name, self._path, self._parse, self._accepted = name, path, parse, accepted
        self._seen: Signature | None = None
        self.refused: str | None = None
        try:
            self._read()
        except RulesError as error:
            if (kept := accepted.get(name)) is None:
                raise
            self._take(kept)
            self.refused = str(error)
        self._version = accepted.version(name)

    def look(self) -> Reload | None:
        """Read the file again if it changed; None if nothing changed."""
        refused_before = self.refused
        if self._version is not None and self._accepted.version(self._name) is None:
            self._seen = None  # The kept content was removed: keep it again.
        try:
            if self._signature() != self._seen:
                self._read()
                self._version = self._accepted.version(self._name)
                self.refused = None
                return Reload(self._name, self._path, None)
        except RulesError as error:
            self.refused = str(error)
            if self.refused != refused_before:
                return Reload(self._name, self._path, self.refused)
        return self._adopted()

    def _adopted(self) -> Reload | None:
        """Take over what another worker has accepted."""
        version = self._accepted.version(self._name)
        if version in (None, self._version) or (kept := self._accepted.get(self._name)) is None:
            return None
        self._version = version
        try:
            self._take(kept)
        except RulesError:  # of another bundle's items
            return None
        return Reload(self._name, self._path, None)

    def _signature(self) -> Signature:
        try:
            return in_time(_PATIENCE_S, signature, self._path)
        except OSError as error:
            raise self._unreadable(error) from error

    def _read(self) -> None:
        found = self._signature()
        try:
            content = in_time(_PATIENCE_S, read_regular, self._path, _LIMIT_BYTES[self._name])
        except OSError as error:  # is tried again at the next look
            raise self._unreadable(error) from error
        self._seen = found
        self._take(content)
        self._accepted.keep(self._name, content)

    def _take(self, content: bytes) -> None:
        self.content = self._parse(content)
        self.checksum = crc32(content)

    def _unreadable(self, error: OSError) -> RulesError:
        self._seen = None
        message = f"expected a file that can be read, found: {error.strerror or error}"
        return RulesError(str(self._path), [Mistake(None, message)])


class RuleFiles:
    """The rules file and the file of availability; the shop may have both, one or none.

    Attributes:
        rulebook: the one in force; None if there is neither file.
        warnings: what the files name in vain, such as items that do not exist, the first 100.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        rules: Path | None,
        availability: Path | None,
        accepted: AcceptedFiles | None = None,
    ) -> None:
        """Reads the files. If one is not valid, its accepted content is in force.

        Args:
            catalogue: of the items.
            rules: path of the rules file, if there is one.
            availability: path of the file of availability, if there is one.
            accepted: contents accepted earlier; those that are valid are kept there.

        Raises:
            RulesError: one of them is not valid, and none was accepted.
        """
        self._catalogue = catalogue
        self._rules = self._availability = None
        self._sources = str(availability), str(rules)
        accepted = accepted or AcceptedFiles()
        if rules is not None:
            compiler = _compiler(catalogue)
            self._rules = _File(
                "rules", rules, lambda content: parse_rules(content, compiler, str(rules)), accepted
            )
        if availability is not None:
            index = catalogue.index
            self._availability = _File(
                "availability",
                availability,
                lambda content: read_availability(content, index, str(availability)),
                accepted,
            )
        self._combine()

    @property
    def refused(self) -> str | None:
        """The reasons why the newest files are not in force; None if they are."""
        refused = [each.refused for each in (self._rules, self._availability) if each is not None]
        return "\n".join(each for each in refused if each is not None) or None

    @property
    def checksum(self) -> int:
        """CRC-32 of what is in force, to tell whether workers have the same; 0 without a file."""
        checksum = 0
        for each in (self._rules, self._availability):
            if each is not None:
                checksum = crc32(each.checksum.to_bytes(4, "little"), checksum)
        return checksum

    def look(self) -> list[Reload]:
        """Reads the files that changed; if a new content is not valid, the old stays in force."""
        files = [each for each in (self._rules, self._availability) if each is not None]
        reloads = [reload for each in files if (reload := each.look()) is not None]
        if any(each.refused is None for each in reloads):
            self._combine()
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

    def _combine(self) -> None:
        self.rulebook: Rulebook | None = None
        self.warnings: list[str] = []
        if self._rules is not None or self._availability is not None:
            book = self.at(time)
            book.plan(None)  # made here, so that no request waits for it
            stock, rules = self._sources
            found = islice(book.warnings(), MOST)
            self.warnings = [each.told(rules if each.line else stock) for each in found]
            self.rulebook = book

    def _book(self, rules: "Sequence[CompiledRule]", clock: Callable[[], float]) -> "Rulebook":
        from service.business_rules.rulebook import Rulebook

        availability = None if self._availability is None else self._availability.content
        return Rulebook(rules, availability, len(self._catalogue), clock)


def _compiler(catalogue: Catalogue) -> "Compiler":
    from service.business_rules.compiling import Compiler

    return Compiler(catalogue)


def parse_rules(content: bytes, compiler: "Compiler", source: str) -> "list[CompiledRule]":
    """Compile the content of a rules file; errors call it `source`.

    Raises:
        RulesError: it is not valid.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        mistake = Mistake(None, f"expected a YAML file in UTF-8, found: {error}")
        raise RulesError(source, [mistake]) from error
    return compiler.compile(text, source)
