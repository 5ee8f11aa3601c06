"""What is shipped in `manifests/monitoring`, as the tests read it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

MONITORING = ROOT / "manifests" / "monitoring"
STATE_CONFIG, RBAC, ALERTS, PROMETHEUS_RULE, DASHBOARD = (
    MONITORING / name
    for name in ("kube-state-metrics.yaml", "rbac.yaml", "alerts.yaml", "prometheusrule.yaml", "dashboard.json")
)


def alerts() -> list[dict[str, Any]]:
    """Give the rules of the plain file."""
    [group] = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def metrics() -> list[str]:
    """Give the names that kube-state-metrics is told to make."""
    [resource] = yaml.safe_load(STATE_CONFIG.read_text(encoding="utf-8"))["spec"]["resources"]
    return [f"{resource['metricNamePrefix']}_{metric['name']}" for metric in resource["metrics"]]


def dashboard() -> dict[str, Any]:
    """Give the dashboard."""
    found: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return found


def queries() -> Iterator[tuple[str, str]]:
    """Give each query of the dashboard with the title of its panel."""
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
