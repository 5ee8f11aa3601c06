"""The page says what is shipped: files, metrics with their labels, alerts."""

from __future__ import annotations

import yaml

from tests.monitoring.shipped import MONITORING, STATE_CONFIG, alerts, metrics
from tests.support.pages import code, column, read, section
from tests.support.paths import ROOT

PAGE = ROOT / "docs" / "monitoring.md"


def test_each_file_has_its_line() -> None:
    files = sorted(path.name for path in MONITORING.iterdir())
    assert sorted(cell[1 : cell.index("]")] for cell in column(section(PAGE, "Watching it"))) == files


def test_the_metrics_and_their_labels_are_those_that_are_configured() -> None:
    [resource] = yaml.safe_load(read(STATE_CONFIG))["spec"]["resources"]
    labels = []
    for metric in resource["metrics"]:
        [of_kind] = [value for key, value in metric["each"].items() if key != "type"]
        labels.append([*of_kind.get("labelsFromPath", {}), *filter(None, [of_kind.get("labelName")])])
    part = section(PAGE, "Metrics")
    assert [code(cell) for cell in column(part)] == [[name] for name in metrics()]
    assert [code(cell) for cell in column(part, 2)] == labels
    assert all(f"`{label}`" in part for label in resource["labelsFromPath"])


def test_it_is_said_for_each_alert_what_to_do() -> None:
    part = section(PAGE, "Alerts")
    assert sorted(code(cell)[0] for cell in column(part)) == sorted(rule["alert"] for rule in alerts())
    assert all(column(part, 2))
