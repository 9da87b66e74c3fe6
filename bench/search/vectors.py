"""A catalogue larger than the data, and the queries of real baskets against it.

Rows are drawn from the trained ones with repetition. Each is split into the centre of its cluster
(256 by k-means) and a residual. The new residual is .6 of the old one plus .8 of noise, which is a
random mixture of residuals of the same cluster (.6² + .8² = 1: the variance stays the same). The
row gets the length and the popularity of the drawn one. So norms, clusters, the directions in which
a cluster spreads, and the distribution of popularity stay as they are. With less noise the copies
of a row would be nearest neighbours, at a cosine that no two products have.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import faiss
import numpy as np

from service.bundle.bundle import Bundle
from service.profiles.bundle_profiles import BundleProfiles
from service.recommending.searching.queries import build_queries
from service.recommending.weights import Weights
from service.support.arrays.array_types import Float32, Int64

__all__ = ["grown", "queries_of_baskets"]


_CLUSTERS = 256
_KEPT, _NOISE = np.float32(0.6), np.float32(0.8)
_MIXED = 8  # residuals in a mixture
_BLOCK = 50_000


def grown(rows: Float32, n_items: int, seed: int = 1) -> Float32:
    """Any number of rows similar to those given.

    Args:
        rows: float32 (n, 2d + 1), the most popular item first, popularity in the last column.
        n_items: number of rows to return.
        seed: of the random generator.

    Returns:
        float32 (n_items, 2d + 1), the most popular item first.
    """
    rng = np.random.default_rng(seed)
    vectors = np.ascontiguousarray(rows[:, :-1])
    centres, cluster = _clusters(vectors)
    residuals = vectors - centres[cluster]
    members = np.argsort(cluster, kind="stable")
    starts = np.searchsorted(cluster[members], np.arange(len(centres) + 1))
    signs = np.array([-1, 1], np.float32)
    drawn = np.sort(rng.integers(len(rows), size=n_items))
    larger = np.empty((n_items, rows.shape[1]), np.float32)
    larger[:, -1] = rows[drawn, -1]
    for start in range(0, n_items, _BLOCK):
        source = drawn[start : start + _BLOCK]
        own = cluster[source]
        noise = np.zeros((len(source), vectors.shape[1]), np.float32)
        for _ in range(_MIXED):
            other = members[rng.integers(starts[own], starts[own + 1])]
            noise += rng.choice(signs, (len(source), 1)) * residuals[other]
        new = centres[own] + _KEPT * residuals[source] + _NOISE * noise / np.sqrt(_MIXED)
        length = np.linalg.norm(vectors[source], axis=1) / np.linalg.norm(new, axis=1)
        larger[start : start + _BLOCK, :-1] = length[:, np.newaxis] * new
    return larger


def queries_of_baskets(
    bundle: Bundle, requests: Path, known: bool = True, weights: Weights | None = None
) -> Iterator[Float32]:
    """The queries of each request, one per anchor: (anchors, 2d + 1) float32.

    Args:
        bundle: knows the items and users of the requests.
        requests: file of bodies of POST /recommend.
        known: whether the queries contain the user's vector.
        weights: of the parts of a score; None takes the bundle's.
    """
    weights = weights or Weights.read(bundle.manifest.serving)
    profiles, index = BundleProfiles(bundle), bundle.catalogue.index
    for line in requests.read_bytes().splitlines():
        body = json.loads(line)
        profile = profiles.get(body["user_id"]) if known else None
        anchors = np.array(sorted(index[item] for item in body["basket"] if item in index), "i4")
        if len(anchors):
            user_h = profile.user_h if profile else None
            yield build_queries(bundle.item_vectors, anchors, user_h, weights)


def _clusters(vectors: Float32) -> tuple[Float32, Int64]:
    """The centres, and the cluster of each vector."""
    k = min(_CLUSTERS, len(vectors))
    means = faiss.Kmeans(vectors.shape[1], k, niter=10, seed=1, min_points_per_centroid=1)
    means.train(vectors)
    centres: Float32 = np.asarray(means.centroids, np.float32)
    return centres, means.assign(vectors)[1]
