"""Searches of other libraries: hnswlib, usearch and ScaNN, as far as they are installed.

hnswlib and ScaNN search by their own inner product. usearch does not get above half of the answers
in that way, so it searches by angle among rows that one more column makes equally long, after the
mean row is subtracted from all: neither changes the order of the answers.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from os import cpu_count
from typing import Any

import numpy as np

from bench.search.searching import Found, Searches
from service.support.arrays.array_types import Float32

__all__ = ["Effort", "other_searches"]


@dataclass(frozen=True)
class Effort:
    """How thoroughly the libraries build and search.

    Attributes:
        links: of a node of a graph, and `building`, the nodes compared per insertion.
        searching: nodes kept per search of a graph.
        leaves: of ScaNN's tree.
        shares: of the leaves that are searched.
        reordered: rows that ScaNN scores exactly.
    """

    links: int = 16
    building: int = 200
    searching: Sequence[int] = (100, 200, 400, 800, 1600)
    leaves: int = 300
    shares: Sequence[float] = (0.1, 0.2, 0.5, 1.0)
    reordered: Sequence[int] = (200, 400, 800)


def other_searches(rows: Float32, effort: Effort) -> Iterator[tuple[str, str, Searches]]:
    """Yields library, settings and search; names a library that is not installed on stderr.

    Args:
        rows: float32 (n, d), the rows to search.
        effort: of building and searching.
    """
    for name, searches in (("hnswlib", _hnswlib), ("usearch", _usearch), ("ScaNN", _scann)):
        try:
            library = import_module(_MODULES.get(name, name))
        except ImportError:
            print(f"bench: left out {name}, which is not installed: see `opponents` in "
                  "pyproject.toml", file=sys.stderr)  # fmt: skip
            continue
        for settings, search in searches(library, rows, effort):
            yield name, f"{name}, {settings}", search


_MODULES = {"usearch": "usearch.index", "ScaNN": "scann"}


class _Hnswlib:
    """One graph of hnswlib, with one effort."""

    def __init__(self, graph: Any, ef: int) -> None:
        self._graph, self._ef = graph, ef

    def search(self, queries: Float32, k: int) -> Found:
        """Scores and rows, both (n, k)."""
        self._graph.set_ef(max(self._ef, k))
        items, distances = self._graph.knn_query(queries, k)
        return 1 - distances, items.astype(np.int32)


def _hnswlib(library: Any, rows: Float32, effort: Effort) -> Iterator[tuple[str, Searches]]:
    graph = library.Index("ip", rows.shape[1])
    graph.init_index(len(rows), effort.links, effort.building, random_seed=1)
    graph.add_items(rows, num_threads=cpu_count())
    graph.set_num_threads(1)
    for ef in effort.searching:
        yield f"ef {ef}", _Hnswlib(graph, ef)


class _Usearch:
    """One graph of usearch, with one effort."""

    def __init__(self, graph: Any, mean: Float32, length: np.float32, expansion: int) -> None:
        self._graph, self._mean, self._length = graph, mean, length
        self._expansion = expansion

    def search(self, queries: Float32, k: int) -> Found:
        """Scores and rows, both (n, k)."""
        self._graph.expansion_search = max(self._expansion, k)
        found = self._graph.search(np.pad(queries, ((0, 0), (0, 1))), k, threads=1)
        lengths = self._length * np.linalg.norm(queries, axis=1, keepdims=True)
        scores = (1 - found.distances) * lengths + (queries @ self._mean)[:, np.newaxis]
        missing = np.arange(k) >= np.reshape(found.counts, (-1, 1))
        return scores, np.where(missing, -1, found.keys).astype(np.int32)


def _usearch(library: Any, rows: Float32, effort: Effort) -> Iterator[tuple[str, Searches]]:
    mean = rows.mean(axis=0)
    squares = np.square(rows - mean).sum(axis=1)
    missing = np.sqrt(squares.max() - squares)
    graph = library.Index(
        ndim=rows.shape[1] + 1,
        metric="cos",
        dtype="f32",
        connectivity=effort.links,
        expansion_add=effort.building,
    )
    graph.add(np.arange(len(rows)), np.column_stack([rows - mean, missing]))
    for expansion in effort.searching:
        yield f"expansion {expansion}", _Usearch(graph, mean, np.sqrt(squares.max()), expansion)


class _Scann:
    """One tree of ScaNN with 4-bit codes, with one effort."""

    def __init__(self, tree: Any, leaves: int, reordered: int) -> None:
        self._tree, self._leaves, self._reordered = tree, leaves, reordered

    def search(self, queries: Float32, k: int) -> Found:
        """Scores and rows, both (n, k)."""
        items, scores = self._tree.search_batched(
            queries,
            final_num_neighbors=k,
            pre_reorder_num_neighbors=max(self._reordered, k),
            leaves_to_search=self._leaves,
        )
        return scores, items.astype(np.int32)


def _scann(library: Any, rows: Float32, effort: Effort) -> Iterator[tuple[str, Searches]]:
    tree = (
        library.scann_ops_pybind.builder(rows, max(effort.reordered), "dot_product")
        .tree(effort.leaves, effort.leaves, training_sample_size=len(rows))
        .score_ah(2, anisotropic_quantization_threshold=0.2)
        .reorder(max(effort.reordered))
        .build()
    )
    for share in effort.shares:
        leaves = max(1, round(share * effort.leaves))
        for reordered in effort.reordered:
            yield f"{leaves} leaves, {reordered} scored", _Scann(tree, leaves, reordered)
