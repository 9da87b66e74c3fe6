"""The bundle: all that the service needs to answer, in one directory with checksums.

    DIR/current -> 0123456789abcdef       the newest bundle, moved in one step
    DIR/0123456789abcdef/                 named by its id, the hash of its manifest
        manifest.json                     written last: contents and checksums
        items.arrow  users.arrow          the products and users behind the indices
        item_vectors.npy …                the arrays, see `service.bundle.arrays`
        index.…                           files of the retrieval backend

The builder calls `write_bundle`, the service `load_bundle`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import JsonValue

from service.bundle.arrays import Arrays, read_arrays, write_arrays
from service.bundle.catalogue import Catalogue
from service.bundle.errors import (
    REMEDIES,
    BundleInvalidError,
    BundleMissingError,
    BundleRecallError,
)
from service.bundle.ids import Ids
from service.bundle.manifest import (
    MANIFEST,
    ArrayFacts,
    FileFacts,
    IndexFacts,
    IndexPoint,
    Manifest,
)
from service.bundle.publishing import publish, staging
from service.bundle.stamp import Stamp
from service.bundle.tables import check_tables, read_tables, write_tables
from service.bundle.verification import (
    installed_backend,
    is_intact,
    locate,
    read_manifest,
    verify_bytes,
    verify_sizes,
)
from service.retrieval import Retrieval, RetrievalError, measure_ann_recall
from service.retrieval.closest_lists import ClosestLists, measure_list_recall
from service.retrieval.exact import Exact
from service.support.arrays.read_only import read_only
from service.support.files import sync

_PLACES_PER_CANDIDATE = 4  # of bundles that do not name it


@dataclass(frozen=True, kw_only=True, eq=False)
class BundleContents(Arrays):
    """The contents of a bundle that is to be written.

    `ann_recall_at_k` is the recall of `retrieval` on `recall_queries`, by
    `service.retrieval.measure_ann_recall` at k = `ann_recall_k`.
    """

    catalogue: Catalogue
    user_ids: Sequence[str]
    retrieval: Retrieval
    ann_recall_at_k: float
    ann_recall_k: int = 100
    ann_recall_target: float = 0.95
    list_recall_at_k: float | None = None
    index_frontier: tuple[IndexPoint, ...] = ()
    as_of: str
    build: Mapping[str, JsonValue]
    serving: Mapping[str, float | str]
    metrics: Mapping[str, JsonValue]


@dataclass(frozen=True, kw_only=True, eq=False)
class Bundle(Arrays):
    """A verified bundle; its arrays are read-only memory maps."""

    path: Path
    manifest: Manifest
    catalogue: Catalogue
    user_ids: Ids
    retrieval: Retrieval

    @property
    def bundle_id(self) -> str:
        """The id, 16 hex digits; equal contents have an equal id."""
        return self.manifest.bundle_id

    @property
    def n_trained_users(self) -> int:
        """The number of users that the vectors were trained on; later rows were folded in."""
        return int(self.manifest.serving.get("trained_users", len(self.user_ids)))

    @cached_property
    def closest_lists(self) -> ClosestLists:
        """The lists of each item's closest items; without any place if the bundle has none."""
        places = int(self.manifest.serving.get("places_per_candidate", _PLACES_PER_CANDIDATE))
        return ClosestLists(self.item_vectors, self.closest_item, self.closest_weight, places)


LoadBundle = Callable[[Path], Bundle]
"""Loads and verifies a bundle, as `load_bundle` does."""


def write_bundle(out: Path, contents: BundleContents) -> Path:
    """Write a bundle into `out`, make it current and return its directory.

    If the writer is killed, `out` still has its earlier bundles, and `current` is one of them.

    Raises:
        BundleInvalidError: arrays, tables or facts contradict each other or the format.
    """
    user_ids = Ids.of(contents.user_ids)
    _check(contents, contents.catalogue, user_ids)
    with staging(out) as staged:
        write_tables(staged, contents.catalogue, user_ids)
        write_arrays(staged, contents)
        contents.retrieval.save(staged)
        files = {path.name: FileFacts.of(path) for path in sorted(staged.iterdir())}
        manifest = _manifest(contents, files)
        (staged / MANIFEST).write_bytes(manifest.encode())
        for path in staged.iterdir():
            sync(path)
        final = out / manifest.bundle_id
        publish(staged, final, is_intact)
    return final


def preview_bundle(contents: BundleContents) -> Bundle:
    """Return contents as a bundle in memory, with which the builder measures before it writes."""
    return Bundle(
        **{name: read_only(array) for name, array in contents.present().items()},
        path=Path(),
        manifest=_manifest(contents, {}),
        catalogue=contents.catalogue,
        user_ids=Ids.of(contents.user_ids),
        retrieval=contents.retrieval,
    )


def load_bundle(path: Path) -> Bundle:
    """Load and verify the bundle at `path`, or the one that `path/current` points at.

    Raises:
        BundleError: the bundle is refused, or cannot be read.
    """
    try:
        return _load(path)
    except OSError as error:
        found = f"{error.filename or path}: {error.strerror or error}"
        remedy = REMEDIES.get(error.errno or 0, "")
        raise BundleMissingError(path, "a bundle that can be read", found, remedy) from error


def _load(path: Path) -> Bundle:
    directory = locate(path)
    manifest = read_manifest(directory)
    verify_sizes(directory, manifest)
    stamp = Stamp(directory, manifest)
    verified = stamp.files if stamp.found else frozenset()
    verify_bytes(directory, manifest, verified)
    catalogue, user_ids = read_tables(directory)
    arrays = read_arrays(directory, manifest.arrays)
    _check(arrays, catalogue, user_ids, verified)
    bundle = Bundle(
        **arrays.present(),
        path=directory,
        manifest=manifest,
        catalogue=catalogue,
        user_ids=user_ids,
        retrieval=_load_retrieval(directory, arrays, manifest.retrieval),
    )
    _check_recall(bundle)
    stamp.leave()
    return bundle


def _manifest(contents: BundleContents, files: dict[str, FileFacts]) -> Manifest:
    arrays = contents.present().items()
    try:
        return Manifest(
            as_of=contents.as_of,
            build=dict(contents.build),
            serving=dict(contents.serving),
            arrays={name: ArrayFacts(shape=a.shape, dtype=a.dtype.name) for name, a in arrays},
            retrieval=IndexFacts(
                backend=contents.retrieval.name,
                parameters=contents.retrieval.parameters,
                ann_recall_at_k=contents.ann_recall_at_k,
                k=contents.ann_recall_k,
                target=contents.ann_recall_target,
                list_recall_at_k=contents.list_recall_at_k,
                frontier=contents.index_frontier,
            ),
            metrics=dict(contents.metrics),
            files=files,
        ).signed()
    except ValueError as error:
        raise BundleInvalidError(MANIFEST, "facts that JSON can hold", error) from error


def _check(
    arrays: Arrays, catalogue: Catalogue, user_ids: Ids, verified: Collection[str] = ()
) -> None:
    check_tables(catalogue, user_ids)
    arrays.check(len(catalogue), len(user_ids), verified)


def _load_retrieval(directory: Path, arrays: Arrays, facts: IndexFacts) -> Retrieval:
    try:
        backend = installed_backend(facts, directory)
        return backend.load(directory, arrays.item_vectors, facts.parameters)
    except RetrievalError as error:
        raise BundleInvalidError(directory, f"a {facts.backend} index", error) from error


def _check_recall(bundle: Bundle) -> None:
    """Measure the recall again: a library of another version may read good files wrongly."""
    facts = bundle.manifest.retrieval
    exact = Exact(bundle.item_vectors)
    found = measure_ann_recall(bundle.retrieval, exact, bundle.recall_queries, facts.k)
    if found < facts.target:
        thing = f"{bundle.path}, {facts.backend} index"
        raise BundleRecallError(thing, f"recall@{facts.k} of {facts.target}", f"{found:.4f}")
    if bundle.list_queries is not None and (found := list_recall(bundle)) < facts.target:
        thing = f"{bundle.path}, lists of closest items"
        raise BundleRecallError(thing, f"recall of {facts.target}", f"{found:.4f}")


def list_recall(bundle: Bundle) -> float:
    """Measure the recall of the closest lists on `list_queries`, against exact search."""
    return measure_list_recall(
        bundle.closest_lists,
        bundle.required("list_queries", "lists"),
        bundle.required("list_anchor", "lists"),
        bundle.required("neighbour_indptr", "lists"),
        bundle.required("neighbour_item", "lists"),
        bundle.required("neighbour_weight", "lists"),
        float(bundle.manifest.serving.get("neighbour_weight", 0)),
    )
