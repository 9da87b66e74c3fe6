"""PromQL, parsed: which metrics a query asks for, and which the service has."""

from pathlib import Path

import promql_parser
from prometheus_client.parser import text_string_to_metric_families

from service.telemetry.metrics import Metrics

DEPLOY = Path(__file__).parents[2] / "deploy"

# What a Prometheus client adds to the name of a counter or a histogram.
_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}


def metrics_of(query: str) -> set[str]:
    """The metrics that a query asks for; a ValueError says why it is not PromQL."""
    found: set[str] = set()

    def visit(part: promql_parser.Expr) -> bool:
        if isinstance(part, promql_parser.VectorSelector) and part.name:
            found.add(part.name)
        return True

    promql_parser.walk(promql_parser.parse(query), visit)
    return found


def our_metrics() -> set[str]:
    """Every series that the service's `/metrics` can show."""
    families = text_string_to_metric_families(Metrics().render().decode())
    return {family.name + suffix for family in families for suffix in _SUFFIXES[family.type]}
