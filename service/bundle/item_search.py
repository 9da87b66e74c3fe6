"""Finding items by words of their names."""

from array import array
from itertools import chain
from unicodedata import combining, normalize

import numpy as np

from service.bundle.catalogue import Catalogue
from service.support.arrays.array_types import Bool, Int32
from service.support.arrays.offsets import offsets

_WORDS_LIMIT = 10


class ItemSearch:
    """The words of all items, prepared so that a search takes less than a millisecond.

    Case, accents and punctuation make no difference.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._index = catalogue.index
        self._names = _Words([catalogue.names])
        brands = [catalogue.brands] if catalogue.brands is not None else []
        self._others = _Words([catalogue.categories, catalogue.subcategories, *brands])

    def matching(self, query: str, among: Bool) -> Int32:
        """Return the item indices with every word of a query, best first.

        A word may be part of one in an item's name, brand, category or subcategory. Items come
        first if more of the words begin a word of the name, then the more popular ones. The id of
        an item finds it, too. A query without a letter or a digit finds nothing.

        Args:
            query: words, of which the first ten distinct ones count, or an item id.
            among: (n_items,) the items to look at.
        """
        words = list(dict.fromkeys(_words(query)))[:_WORDS_LIMIT]
        found = among.copy() if words else np.zeros_like(among)
        rank = np.zeros(len(found), np.int32)
        for word in words:
            has_word = np.zeros_like(found)
            for texts in (self._names, self._others):
                has_word[texts.containing(word)] = True
            found &= has_word
            begins = np.zeros_like(found)
            begins[self._names.beginning(word)] = True
            rank -= begins
        named = self._index.get(query)
        if named is not None and among[named]:
            found[named], rank[named] = True, np.iinfo(np.int32).min
        rows = np.flatnonzero(found).astype(np.int32)
        return rows[np.argsort(rank[rows], kind="stable")]


class _Words:
    """The distinct words of some columns, and the rows in which each stands."""

    def __init__(self, columns: list[list[str]]) -> None:
        # In loops: while one call does all of it, the interpreter's lock is held and requests wait.
        split: dict[str, list[str]] = {}
        code_of: dict[str, int] = {}
        lengths, codes = array("i"), array("i")
        for text in chain(*columns):
            if (words := split.get(text)) is None:
                words = split[text] = _words(text)
            lengths.append(len(words))
            for word in words:
                codes.append(code_of.setdefault(word, len(code_of)))
        rows = np.repeat(np.arange(len(lengths), dtype=np.int32) % len(columns[0]), lengths)
        order = np.argsort(codes, kind="stable")
        self._words = list(code_of)
        self._rows = rows[order]
        self._indptr = offsets(np.bincount(codes, minlength=len(code_of)))

    def containing(self, part: str) -> Int32:
        """Return the rows of all words that contain a part; a row may be there several times."""
        return self._of([code for code, word in enumerate(self._words) if part in word])

    def beginning(self, part: str) -> Int32:
        """Return the rows of all words that begin with a part, likewise."""
        return self._of([code for code, word in enumerate(self._words) if word.startswith(part)])

    def _of(self, codes: list[int]) -> Int32:
        indptr = self._indptr
        return np.concatenate(
            [self._rows[:0], *(self._rows[indptr[code] : indptr[code + 1]] for code in codes)]
        )


_ASCII = str.maketrans({each: " " for each in map(chr, range(128)) if not each.isalnum()})


def _words(text: str) -> list[str]:
    """Return the words of a text in lower case, without accents."""
    text = text.casefold()
    if text.isascii():  # which is faster
        return text.translate(_ASCII).split()
    plain = (each for each in normalize("NFKD", text) if not combining(each))
    return "".join(each if each.isalnum() else " " for each in plain).split()
