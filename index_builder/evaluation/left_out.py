"""A bundle without a part, with a ranker trained without it: what the part is worth."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl
from rich.console import Console

from index_builder.bundle.contents import (
    assemble,
    with_closest,
    with_ranker,
    with_substitutes,
    with_trees,
)
from index_builder.config import Backend, BuildConfig, IndexConfig
from index_builder.embeddings.embeddings import Embeddings
from index_builder.embeddings.training import train_epochs
from index_builder.index.tuning import build_index
from index_builder.progress import stage
from index_builder.ranker.training import train_ranker
from index_builder.ranker.training_examples import TrainingExamples, training_examples
from index_builder.ranker.windows import training_baskets, window_contents, windows
from index_builder.transactions.encoded.encoding import EncodedTransactions, encode
from index_builder.transactions.transactions import Transactions
from service.bundle.bundle import Bundle, preview_bundle
from service.bundle.catalogue import Catalogue
from service.recommending.weights import Weights

_Vectors = Callable[[EncodedTransactions], Embeddings]


@dataclass(frozen=True, eq=False)
class LeftOut:
    """Makes bundles without a part from what another bundle was built from.

    Attributes:
        bundle: has a ranker.
        transactions: those it was built from.
        config: of its build.
        console: where progress is shown.
    """

    bundle: Bundle
    transactions: Transactions
    config: BuildConfig
    console: Console

    def vectors(self) -> Bundle:
        """The bundle with all vectors zero."""
        return self._rebuilt(self.config, _zeros, _zeros)

    def neighbours(self) -> Bundle:
        """The bundle without neighbours; the vectors of its past are trained again."""
        ranker = self.config.ranker.model_copy(update={"neighbours": 0})
        config = self.config.model_copy(update={"ranker": ranker})
        return self._rebuilt(config, self._trained, self._of_the_bundle)

    def _rebuilt(self, config: BuildConfig, past: _Vectors, present: _Vectors) -> Bundle:
        """Trains the ranker on the windows of the build and makes the bundle.

        Args:
            config: of the part that is left out.
            past: gives the vectors before a window.
            present: gives those of the bundle.
        """
        bundle = self.bundle
        weights = Weights.read(bundle.manifest.serving)
        config = config.model_copy(update={"index": _exact(config.index)})
        products = _products(bundle.catalogue)
        with stage(self.console, "Windows"):
            found = list(windows(self.transactions, products, config, bundle.manifest.cut))
        examples: list[TrainingExamples] = []
        for window, baskets in zip(found, training_baskets(found, config), strict=True):
            vectors = past(window.encoded)
            contents = window_contents(window, vectors, weights, weights, config, ranked=True)
            made = preview_bundle(contents)
            examples.append(training_examples(made, baskets, config.ranker, config.train.seed))
        with stage(self.console, "Ranker"):
            trees = train_ranker(examples, config.ranker, config.train.threads, config.train.seed)
        cut = bundle.manifest.cut
        encoded = encode(self.transactions, products, config.min_item_baskets, cut)
        index = partial(build_index, config=config.index)
        alone = Weights.read(bundle.manifest.serving, "vectors_")
        contents = assemble(encoded, present(encoded), config, cut, index, weights, alone)
        contents = with_closest(with_ranker(contents, encoded, config.ranker), encoded, config)
        contents = with_substitutes(with_trees(contents, trees), encoded, config.substitutes)
        return preview_bundle(contents)

    def _trained(self, encoded: EncodedTransactions) -> Embeddings:
        train = self.config.train
        return train_epochs(encoded, train, train.most_epochs, self.console)

    def _of_the_bundle(self, encoded: EncodedTransactions) -> Embeddings:
        item_p, item_q = np.split(self.bundle.item_vectors[:, :-1], 2, axis=1)
        user_h = np.zeros((encoded.n_user_rows, item_p.shape[1]), np.float32)
        user_h[: encoded.n_users] = self.bundle.user_h[: encoded.n_users]
        return Embeddings(item_p, item_q, user_h)


def _zeros(encoded: EncodedTransactions) -> Embeddings:
    rows = (encoded.n_items, encoded.n_items, encoded.n_user_rows)
    return Embeddings(*(np.zeros((n, 1), np.float32) for n in rows))


def _exact(index: IndexConfig) -> IndexConfig:
    return index.model_copy(update={"backend": Backend.EXACT, "parameters": {}})


def _products(catalogue: Catalogue) -> pl.DataFrame:
    """The products of a bundle, as a build takes them."""
    return pl.DataFrame(
        {
            "item_id": catalogue.item_ids,
            "name": catalogue.names,
            "department": catalogue.departments,
            "category": catalogue.categories,
            "subcategory": catalogue.subcategories,
        }
    )
