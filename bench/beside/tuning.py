"""`python -m bench.beside.tuning`: choose the settings of `implicit`'s ALS on the demo (an hour).

As for the opponents of `make evaluate`, Recall@20 in the last 30 days before the cut decides, with
models of the time before. `AlsSettings` has the outcome as its defaults.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.beside.als import Als, AlsSettings
from index_builder.cli.held_out_baskets import read_held_out
from index_builder.config import read_build_config
from index_builder.evaluation.baselines.tuning import Slice, last_days
from index_builder.evaluation.evaluate import training_baskets
from index_builder.measuring.scorer import Scorer
from index_builder.transactions.reading import Reading
from index_builder.transactions.source import Source

__all__ = ["GRID", "tune"]

# The first value of each is where the search begins.
GRID = {
    "factors": (128, 64, 256),
    "regularisation": (10, 1, 3, 30, 100),
    "alpha": (0.3, 0.1, 1, 3, 10),
    "basket_weight": (10, 1, 3, 20, 40),
    "half_life_days": (30, 15, 60, 180),
    "iterations": (8, 15),
}


def main() -> None:
    """Print the best settings."""
    parser = argparse.ArgumentParser("python -m bench.beside.tuning", description=__doc__)
    parser.add_argument("--bundle", type=Path, default=Path("bundles"), help="bundle (%(default)s)")
    bundle = parser.parse_args().bundle
    loaded, transactions, _ = read_held_out(Source(), Reading(), bundle, 0, 1)
    encoded = training_baskets(loaded, transactions, read_build_config(loaded).min_item_baskets)
    print(tune(last_days(encoded, loaded.manifest.cut, 0)))


def tune(days: Slice) -> AlsSettings:
    """The best settings: one after another, each with the best of those before."""

    def fit(**values: float) -> Scorer:
        return Als.fit(days.past, _settings(values)).scores

    return _settings(days.one_by_one(GRID, fit))


def _settings(values: Mapping[str, Any]) -> AlsSettings:
    counts = {name: int(values[name]) for name in ("factors", "iterations")}
    return AlsSettings(**{**values, **counts})


if __name__ == "__main__":
    main()
