"""A bundle without vectors, with a ranker trained without them: what the vectors are worth."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl
from rich.console import Console

from index_builder.config import Backend, BuildConfig, IndexConfig
from index_builder.embeddings.embeddings import Embeddings
from index_builder.progress import stage
from index_builder.ranker.training import train_ranker
from index_builder.ranker.training_examples import TrainingExamples, training_examples
from index_builder.ranker.windows import Window, training_baskets, window_contents, windows
from index_builder.transactions.encoded.held_out import HeldOut
from index_builder.transactions.transactions import Transactions
from service.bundle.bundle import Bundle, preview_bundle
from service.bundle.catalogue import Catalogue
from service.recommending.weights import Weights
from service.retrieval.exact import Exact


def without_vectors(
    bundle: Bundle, transactions: Transactions, config: BuildConfig, console: Console
) -> Bundle:
    """Trains a ranker as the build did, but with all vectors zero, and puts it into the bundle.

    Args:
        bundle: has a ranker.
        transactions: those it was built from.
        config: of its build.
        console: where progress is shown.
    """
    config = config.model_copy(update={"index": IndexConfig(backend=Backend.EXACT)})
    with stage(console, "Ranker without vectors"):
        products, cut = _products(bundle.catalogue), bundle.manifest.cut
        found = list(windows(transactions, products, config, cut))
        examples = [
            _training_examples(window, baskets, bundle, config)
            for window, baskets in zip(found, training_baskets(found, config), strict=True)
        ]
        trees = train_ranker(examples, config.ranker, config.train.threads, config.train.seed)
    rows = bundle.item_vectors.copy()
    rows[:, :-1] = 0  # all but log popularity
    return replace(
        bundle,
        item_vectors=rows,
        user_h=np.zeros_like(bundle.user_h),
        retrieval=Exact(rows),
        closest_item=None,
        **trees.arrays(),
    )


def _training_examples(
    window: Window, baskets: Sequence[HeldOut], bundle: Bundle, config: BuildConfig
) -> TrainingExamples:
    items, users = window.encoded.n_items, window.encoded.n_user_rows
    zeros = Embeddings(*(np.zeros((n, 1), np.float32) for n in (items, items, users)))
    weights = Weights.read(bundle.manifest.serving)
    contents = window_contents(window, zeros, weights, weights, config, ranked=True)
    return training_examples(preview_bundle(contents), baskets, config.ranker, config.train.seed)


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
