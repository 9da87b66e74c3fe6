"""The report's last section: how the results were measured."""

from collections.abc import Mapping
from importlib.metadata import version
from platform import python_version

import numpy as np

from index_builder.evaluation.evaluate import OURS, Evaluation
from index_builder.measuring.quality import K

_PACKAGES = ("rtt2vec", "numpy", "numba", "lightgbm", "faiss-cpu", "scipy", "polars")


def protocol_section(evaluation: Evaluation, source: str, command: str) -> str:
    """Data, split, measures, settings and versions."""
    bundle, encoded, baskets = evaluation.bundle, evaluation.encoded, evaluation.baskets
    cut = f"{bundle.manifest.cut:%Y-%m-%d %H:%M}"
    users = len(np.unique(evaluation.methods[OURS].users))
    targets = sum(len(basket.targets) for basket in baskets)
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return f"""## Evaluation protocol

```
{command}
```

- **Data**: {source}. The catalogue has {encoded.n_items:,} items; {encoded.n_users:,} users filled
  {encoded.n_baskets:,} baskets with them before {cut}, and every method learned
  from these baskets alone.
- **Held out**: {len(baskets):,} baskets of {users:,} of these users, begun later, of 5 catalogue
  items or more. Of each, max(1, round(0.2 · items)) items are targets, drawn by the seed,
  {targets:,} in all; the other items are given. All items that are not given are ranked.
- **Recall@{K}** is hits / targets, averaged over baskets; for repeat and new targets over the
  baskets that have such targets.
- **Opponents** {_tuning(evaluation.settings)}
- **Ours** is the service's own recommender with its default settings and bundle
  `{bundle.bundle_id}`.
- **Intervals** are percentiles of 1,000 bootstrap resamples of the users, since the baskets of one
  user are not independent.
- **Seed** {evaluation.seed}; training on several threads differs a little from run to run.
- **Versions**: Python {python_version()}, {versions}."""


def _tuning(settings: Mapping[str, str]) -> str:
    tuned = [f"  - {name}: {how}" for name, how in settings.items() if how]
    if not tuned:
        return "have no settings to tune."
    return "\n".join(["are tuned on the last days before the cut, then fitted again:", *tuned])
