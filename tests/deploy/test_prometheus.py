"""Prometheus's configuration: rules of the right form, queries that parse, metrics that exist."""

from pathlib import Path
from typing import Literal

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field

from tests.data.queries import DEPLOY, metrics_of, our_metrics

FOLDER = DEPLOY / "prometheus"


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Labels(Strict):
    severity: Literal["page", "ticket"]


class Annotations(Strict):
    summary: str
    description: str


class Alert(Strict):
    alert: str = Field(pattern=r"^Rtt2vec[A-Z]\w+$")
    expr: str
    for_: str = Field("0s", alias="for", pattern=r"^\d+[smh]$")
    labels: Labels
    annotations: Annotations


class Record(Strict):
    record: str = Field(pattern=r"^rtt2vec:\w+:\w+$")
    expr: str


class Group(Strict):
    name: str
    rules: list[Alert | Record]


class Rules(Strict):
    groups: list[Group]


@pytest.fixture(scope="module")
def rules() -> list[Alert | Record]:
    read = Rules.model_validate(yaml.safe_load((FOLDER / "rules.yml").read_text()))
    return [rule for group in read.groups for rule in group.rules]


def test_queries_ask_for_metrics_that_exist(rules: list[Alert | Record]) -> None:
    recorded = {rule.record for rule in rules if isinstance(rule, Record)}
    for rule in rules:
        asked = metrics_of(rule.expr)
        assert asked, rule.expr
        assert asked <= our_metrics() | recorded | {"up"}, rule.expr


def test_names_are_given_once(rules: list[Alert | Record]) -> None:
    names = [rule.alert if isinstance(rule, Alert) else rule.record for rule in rules]
    assert len(set(names)) == len(names)


def test_prometheus_reads_the_rules_and_scrapes_the_service() -> None:
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    assert [Path(FOLDER, each).exists() for each in config["rule_files"]] == [True]
    compose = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text())
    for job in config["scrape_configs"]:
        for target in job["static_configs"][0]["targets"]:
            assert target.partition(":")[0] in compose["services"]
