"""PromQL, parsed: which metrics a query asks for, and which the service has."""

import operator
from collections.abc import Callable
from pathlib import Path
from time import time

import promql_parser
import yaml
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


Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, float]

_AGGREGATIONS: dict[str, Callable[[list[float]], float]] = {
    "count": len,
    "max": max,
    "min": min,
    "sum": sum,
}
_COMPARISONS = {"==": operator.eq, ">": operator.gt, "<": operator.lt}


def evaluate(query: str, exposition: str, now: float = 0) -> Vector:
    """The answer to a query over one scrape, at a time in epoch seconds.

    It knows what alerts on a state use; a rate, which needs several scrapes, it does not.
    """
    found = _value(promql_parser.parse(query), exposition, float(now))
    assert isinstance(found, dict)
    return found


def firing(exposition: str) -> set[str]:
    """The alerts on a state that one scrape would let fire, once the state has lasted."""
    rules = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text())
    alerts = {r["alert"]: r["expr"] for g in rules["groups"] for r in g["rules"] if "alert" in r}
    ours = our_metrics()
    return {
        name
        for name, query in alerts.items()
        if metrics_of(query) <= ours and not _has_window(query)
        if evaluate(query, exposition, time())
    }


def _has_window(query: str) -> bool:
    """Whether a query asks for several scrapes, as rates do."""
    windows: list[promql_parser.Expr] = []

    def visit(part: promql_parser.Expr) -> bool:
        if isinstance(part, promql_parser.MatrixSelector):
            windows.append(part)
        return True

    promql_parser.walk(promql_parser.parse(query), visit)
    return bool(windows)


def _value(part: promql_parser.Expr, exposition: str, now: float) -> Vector | float:
    match part:
        case promql_parser.NumberLiteral():
            return float(part.val)
        case promql_parser.Call() if part.func.name == "time":
            return now
        case promql_parser.VectorSelector() if not part.matchers.matchers:
            families = text_string_to_metric_families(exposition)
            samples = (sample for family in families for sample in family.samples)
            return {frozenset(s.labels.items()): s.value for s in samples if s.name == part.name}
        case promql_parser.AggregateExpr():
            vector = _value(part.expr, exposition, now)
            assert isinstance(vector, dict)
            kept = part.modifier.labels if part.modifier else []
            groups: dict[Labels, list[float]] = {}
            for labels, value in vector.items():
                group = frozenset(label for label in labels if label[0] in kept)
                groups.setdefault(group, []).append(value)
            aggregate = _AGGREGATIONS[str(part.op)]
            return {labels: aggregate(each) for labels, each in groups.items()}
        case promql_parser.BinaryExpr():
            sides = (_value(side, exposition, now) for side in (part.lhs, part.rhs))
            return _combined(str(part.op), *sides)
    raise ValueError(f"no alert on a state had such a part before, and it is not evaluated: {part}")


def _combined(op: str, left: Vector | float, right: Vector | float) -> Vector | float:
    if op == "-":
        assert isinstance(left, float)
        assert isinstance(right, dict)
        return {labels: left - value for labels, value in right.items()}
    assert isinstance(left, dict)
    others = right if isinstance(right, dict) else dict.fromkeys(left, right)
    common = {labels: value for labels, value in left.items() if labels in others}
    if op == "and":
        return common
    return {labels: v for labels, v in common.items() if _COMPARISONS[op](v, others[labels])}
