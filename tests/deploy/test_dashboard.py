"""Grafana's dashboard: known fields alone, queries that parse, metrics that exist."""

import json
from itertools import combinations
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.data.queries import DEPLOY, metrics_of, our_metrics

FOLDER = DEPLOY / "grafana"


@pytest.fixture(scope="module")
def dashboard() -> dict[str, Any]:
    text = (FOLDER / "dashboards" / "rtt2vec.json").read_text()
    document: dict[str, Any] = json.loads(text)
    return document


def lost(given: Any, kept: Any, place: str = "$") -> list[str]:
    """The places of `given` that `kept` has not, or has otherwise."""
    if isinstance(given, dict) and isinstance(kept, dict):
        return [at for key in given for at in lost(given[key], kept.get(key), f"{place}.{key}")]
    if isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        pairs = enumerate(zip(given, kept, strict=True))
        return [at for index, pair in pairs for at in lost(*pair, f"{place}[{index}]")]
    return [] if given == kept else [place]


def test_grafana_knows_every_field(dashboard: dict[str, Any]) -> None:
    register_default_plugins()
    read = Dashboard.from_json(dashboard)
    assert lost(dashboard, json.loads(JSONEncoder().encode(read))) == []


def test_queries_ask_for_metrics_that_exist(dashboard: dict[str, Any]) -> None:
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            asked = metrics_of(target["expr"].replace("$__rate_interval", "1m"))
            assert asked, target["expr"]
            assert asked <= our_metrics(), target["expr"]


def test_the_data_source_is_the_one_that_is_provisioned(dashboard: dict[str, Any]) -> None:
    path = FOLDER / "provisioning" / "datasources" / "prometheus.yml"
    (source,) = yaml.safe_load(path.read_text())["datasources"]
    for panel in dashboard["panels"]:
        for each in (panel, *panel["targets"]):
            assert each["datasource"] == {"type": source["type"], "uid": source["uid"]}


def test_panels_do_not_overlap(dashboard: dict[str, Any]) -> None:
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(places)
    assert all(each["x"] + each["w"] <= 24 for each in places)
    for a, b in combinations(places, 2):
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        assert beside or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
