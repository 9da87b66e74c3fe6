"""The Kubernetes manifests: valid by the schemas of Kubernetes, and they fit one another."""

from typing import Any

import kubernetes_validate
import pytest
import yaml

from service.settings import Settings
from tests.data.queries import DEPLOY, metrics_of, our_metrics

FOLDER = DEPLOY / "kubernetes"
ADAPTER = FOLDER / "prometheus-adapter.yaml"  # values of a chart, no manifest
VERSIONS = ("1.30", "1.37")


def load(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text())
    return document


MANIFESTS = sorted(path.name for path in FOLDER.glob("*.yaml") if path != ADAPTER)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", MANIFESTS)
def test_the_schema_of_kubernetes_holds(name: str, version: str) -> None:
    kubernetes_validate.validate(load(name), version, strict=True)


def test_a_misspelt_field_would_be_found() -> None:
    deployment = load("deployment.yaml")
    deployment["spec"]["replica"] = 3
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, VERSIONS[-1], strict=True)


@pytest.fixture(scope="module")
def pod() -> dict[str, Any]:
    found: dict[str, Any] = load("deployment.yaml")["spec"]["template"]
    return found


def test_everything_selects_the_pods(pod: dict[str, Any]) -> None:
    labels = pod["metadata"]["labels"]
    assert load("service.yaml")["spec"]["selector"] == labels
    assert load("disruption.yaml")["spec"]["selector"]["matchLabels"] == labels
    assert load("deployment.yaml")["spec"]["selector"]["matchLabels"] == labels
    target = load("autoscaling.yaml")["spec"]["scaleTargetRef"]
    assert target["name"] == load("deployment.yaml")["metadata"]["name"]


def test_the_settings_exist_and_the_pod_takes_them(pod: dict[str, Any]) -> None:
    settings = load("settings.yaml")
    assert settings["data"].keys() <= {f"RTT2VEC_{name.upper()}" for name in Settings.model_fields}
    (container,) = pod["spec"]["containers"]
    assert container["envFrom"] == [{"configMapRef": {"name": settings["metadata"]["name"]}}]


def test_what_is_mounted_is_there() -> None:
    manifests = map(load, MANIFESTS)
    claims = {
        each["metadata"]["name"] for each in manifests if each["kind"] == "PersistentVolumeClaim"
    }
    claimed = set()
    for spec in pods().values():
        volumes = {each["name"]: each for each in spec["volumes"]}
        mounted = {each["name"] for one in containers(spec) for each in one["volumeMounts"]}
        assert mounted == volumes.keys()
        claimed |= {
            each["persistentVolumeClaim"]["claimName"]
            for each in volumes.values()
            if "persistentVolumeClaim" in each
        }
    assert claimed == claims


def pods() -> dict[str, Any]:
    """The specification of each manifest that starts pods."""
    manifests = {name: load(name).get("spec", {}) for name in MANIFESTS}
    templates = {
        name: spec.get("jobTemplate", {}).get("spec", spec).get("template")
        for name, spec in manifests.items()
    }
    return {name: template["spec"] for name, template in templates.items() if template}


def containers(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """All containers of a pod."""
    return [*spec.get("initContainers", []), *spec["containers"]]


def test_containers_cannot_do_more_than_they_must() -> None:
    assert pods().keys() == {"build.yaml", "deployment.yaml"}
    for name, spec in pods().items():
        everywhere = spec["securityContext"]
        assert everywhere["runAsNonRoot"] is True, name
        assert everywhere["runAsUser"] > 0, name
        assert everywhere["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec["automountServiceAccountToken"] is False, name
        assert not spec.keys() & {"hostNetwork", "hostPID", "hostIPC"}, name
        for container in containers(spec):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name


def test_probes_ask_for_what_is_there_and_the_pod_has_time_to_finish(pod: dict[str, Any]) -> None:
    (container,) = pod["spec"]["containers"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"
    drain_s = float(load("settings.yaml")["data"]["RTT2VEC_DRAIN_S"])
    probe = container["readinessProbe"]
    assert drain_s > probe["periodSeconds"] * probe["failureThreshold"]
    grace_s = Settings.model_fields["shutdown_grace_s"].default
    assert pod["spec"]["terminationGracePeriodSeconds"] > drain_s + grace_s


def test_the_autoscaler_goes_by_a_latency_that_the_adapter_gives() -> None:
    (rule,) = yaml.safe_load(ADAPTER.read_text())["rules"]["custom"]
    metrics = load("autoscaling.yaml")["spec"]["metrics"]
    named = [each["pods"]["metric"]["name"] for each in metrics if each["type"] == "Pods"]
    assert named == [rule["name"]["as"]]
    query = rule["metricsQuery"]
    for mark, value in (
        ("<<.Series>>", rule["seriesQuery"].partition("{")[0]),
        ("<<.LabelMatchers>>", 'pod="a"'),
        ("<<.GroupBy>>", "pod"),
    ):
        query = query.replace(mark, value)
    assert metrics_of(query) <= our_metrics()
    assert metrics_of(rule["seriesQuery"]) <= our_metrics()
