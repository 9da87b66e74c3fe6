"""Which thresholds left no rule, and which lower ones would leave some."""

import math
from collections.abc import Callable, Iterator

from index_builder.config import AssociationRulesConfig
from index_builder.statistics.rules.association_rules import AssociationRules

Mine = Callable[[AssociationRulesConfig], AssociationRules]

_LOWEST_SUPPORT = 1e-9


def lower_thresholds(mine: Mine, config: AssociationRulesConfig) -> Iterator[tuple[str, int]]:
    """Yields options with lower thresholds, and how many rules each would give.

    First come thresholds that suffice alone; if none does, the lowest of all.

    Args:
        mine: finds the rules of a configuration.
        config: finds none.
    """
    alone = 0
    for name in ("lift", "confidence"):
        values = getattr(mine(config.model_copy(update={f"min_{name}": 0.0})), name)
        if len(values):
            alone += 1
            enough = _rounded_down(float(values.max()))
            yield f"--min-{name} {enough:g}", int((values >= enough).sum())
    rarer = config
    while rarer.min_baskets > 1 or rarer.min_support > _LOWEST_SUPPORT:
        rarer = rarer.model_copy(
            update={
                "min_support": rarer.min_support / 2,
                "taxonomy_min_support": rarer.taxonomy_min_support / 2,
                "min_baskets": max(1, rarer.min_baskets // 2),
            }
        )
        if n_rules := len(mine(rarer).lift):
            alone += 1
            yield (
                f"--min-support {rarer.min_support:.3g} --min-baskets {rarer.min_baskets}",
                n_rules,
            )
            break
    if not alone:
        lowest = {"min_lift": 0.0, "min_confidence": 0.0, "min_support": 0.0, "min_baskets": 1}
        if n_rules := len(
            mine(config.model_copy(update=lowest | {"taxonomy_min_support": 0.0})).lift
        ):
            options = "--min-support 0 --min-baskets 1 --min-confidence 0 --min-lift 0"
            yield options, n_rules


def _rounded_down(value: float) -> float:
    """To three digits."""
    unit = 10.0 ** (math.floor(math.log10(value)) - 2)
    return math.floor(value / unit) * unit
