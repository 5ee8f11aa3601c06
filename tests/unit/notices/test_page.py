"""What operations.md says of notices is what is sent."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml
from msgspec.structs import replace

from reconcile.model.plan import Transition
from reconcile.notices.flux_event import flux_event
from tests.support.pages import Block, blocks, code, column, read, section
from tests.support.paths import ROOT
from tests.unit.report import factory

PAGE = ROOT / "docs" / "operations.md"


def sent(transition: Transition) -> dict[str, Any]:
    event = replace(factory.event("Advance rollout podinfo.test weight 30"), transition=transition)
    return flux_event(factory.advancing(), event, factory.NOW, "pod")


def block(word: str, language: str) -> Block:
    [found] = [item for item in blocks(language) if item.page == PAGE and word in item.content]
    return found


def test_the_page_has_each_transition_with_its_severity() -> None:
    table = re.split("<!-- [a-z ]+ -->", section(PAGE, "Who is told"))[1]
    told = zip(column(table), column(table, 1), strict=True)
    assert [(code(reason)[0], severity) for reason, severity in told] == [
        (str(item), sent(item)["severity"]) for item in Transition
    ]


def test_the_notice_that_is_shown_has_the_fields_of_one_that_is_sent() -> None:
    shown = json.loads(block("involvedObject", "json").content)
    real = sent(Transition.ADVANCED)
    assert [*shown] == [*real]
    assert [*shown["metadata"]] == [*real["metadata"]]
    assert {key: shown[key] for key in ("message", "text", "reason", "severity", "involvedObject")} == {
        key: real[key] for key in ("message", "text", "reason", "severity", "involvedObject")
    }


def test_the_route_of_alertmanager_groups_the_alerts_about_rollouts_by_labels_that_they_have() -> None:
    [route] = yaml.safe_load(block("slack_configs", "yaml").content)["route"]["routes"]
    alerts = yaml.safe_load(read(ROOT / "manifests" / "monitoring" / "alerts.yaml"))["groups"][0]["rules"]
    taken = [rule for rule in alerts if rule["alert"].startswith("SteererRollout")]  # `tests/monitoring` routes them
    for label in set(route["group_by"]) - {"alertname"}:
        assert all(label in rule["expr"] for rule in taken)


def test_flux_is_told_of_the_kustomization_that_is_shipped() -> None:
    [source] = yaml.safe_load(block("eventSources", "yaml").content)["spec"]["eventSources"]
    shipped = read(ROOT / "manifests" / "gitops" / "flux" / "pipeline.yaml")
    names = [item["metadata"]["name"] for item in yaml.safe_load_all(shipped) if item["kind"] == source["kind"]]
    assert source["name"] in names
