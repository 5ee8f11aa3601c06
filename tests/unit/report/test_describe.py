"""`steerer status`: golden texts, and that no manifest is too odd for it."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconcile.report.console import console_for
from reconcile.report.describe import print_status, status_data, status_text
from reconcile.report.plain_data import dump
from tests.unit.report.factory import NOW, STORED_EVENTS, ago
from tests.unit.report.strategies import TEXTS, VALUES

QUERY = "histogram_quantile(0.99,\n  sum(irate(x[1m])) by (le)\n)"
ROLLOUT: dict[str, Any] = {
    "apiVersion": "apps.weave.works/v1beta1",
    "kind": "Rollout",
    "metadata": {"name": "podinfo", "namespace": "test"},
    "spec": {"canaryAnalysis": {"maxWeight": 60, "stepWeight": 10}},
    "status": {
        "phase": "Progressing",
        "canaryWeight": 30,
        "canaryRevision": "v1-9d0b",
        "promotedRevision": "v1-5f3c",
        "lastAdvanceTime": ago(minutes=4),
        "conditions": [
            {
                "type": "Ready",
                "status": "False",
                "reason": "Halted",
                "message": "request duration 2.525s > 500ms",
                "lastTransitionTime": ago(minutes=3),
            },
            {"type": "Reconciling", "status": "True", "message": "under way"},
        ],
        "measurements": [
            {
                "name": "istio_requests_total",
                "query": "sum(x)",
                "value": 99.97,
                "threshold": 99,
                "verdict": "passed",
                "time": ago(seconds=45),
            },
            {
                "name": "istio_request_duration_seconds_bucket",
                "query": QUERY,
                "value": "2525.4",
                "threshold": 500.0,
                "verdict": "failed",
                "time": ago(seconds=45),
            },
        ],
    },
}


def test_a_status_is_told() -> None:
    assert (
        status_text(ROLLOUT, STORED_EVENTS, NOW)
        == """\
podinfo.test  Progressing
  [######..............]  30 %  of at most 60 %
  Ready     False for 3m: request duration 2.525s > 500ms
  Revision  v1-9d0b under way, v1-5f3c promoted last
  Weight    last moved 4m ago
  Next      every pass looks again, and goes on from weight 30 once the cause is gone
  Last analysis  45s ago
    ✓ passed  istio_requests_total                   99.97 >= 99
    ✗ failed  istio_request_duration_seconds_bucket  2525.4 > 500
      query  histogram_quantile(0.99, sum(irate(x[1m])) by (le) )
  Events
    Type     Reason  Age               From     Message
    ----     ------  ---               ----     -------
    Normal   Synced  5m                steerer  Starting rollout for podinfo.test
    Normal   Synced  5m                steerer  Advance rollout podinfo.test weight 10
    Warning  Synced  45s (x4 over 3m)  steerer  Halt rollout podinfo.test request duration 2.525s > 500ms
"""
    )


def test_a_rollout_that_nobody_has_seen() -> None:
    text = status_text({"metadata": {"name": "podinfo", "namespace": "test"}}, [], NOW)

    assert text == "podinfo.test  no pass has seen it yet\n  Events\n    <none>\n"


def test_a_rollout_at_rest_and_one_that_needs_somebody() -> None:
    rest = {
        "phase": "Succeeded",
        "canaryWeight": 0,
        "canaryRevision": "v1-5f3c",
        "promotedRevision": "v1-5f3c",
        "conditions": [
            {"type": "Ready", "status": "True", "reason": "Promoted"},
            {"type": "Stalled", "status": "False"},
            "odd",
        ],
    }
    stalled = {"conditions": [{"type": "Ready"}, {"type": "Stalled", "status": "True", "message": "spec: no"}]}

    assert "  Ready     True: Promoted\n  Revision  v1-5f3c promoted last\n" in status_text({"status": rest}, [], NOW)
    assert "  Ready    Unknown\n  Stalled  True: spec: no\n" in status_text({"status": stalled}, [], NOW)


def test_a_measurement_without_a_value_names_its_verdict() -> None:
    rows = [
        {"name": "a", "threshold": 99, "verdict": "no data"},
        {"name": "b", "value": 500, "threshold": 500, "verdict": "passed"},
        {"name": "c", "value": True, "threshold": "odd"},
        {"name": "d", "value": 1, "threshold": 2, "verdict": "failed"},
    ]

    assert status_text({"status": {"measurements": rows}}, [], NOW).splitlines()[1:6] == [
        "  Last analysis",
        "    ✗ no data  a  no value, threshold 99",
        "    ✓ passed   b  500 = 500",
        "    ✗ unknown  c  no value, threshold no value",
        "    ✗ failed   d  1 < 2",
    ]


def test_a_terminal_gets_the_same() -> None:
    stream = io.StringIO()

    print_status(ROLLOUT, STORED_EVENTS, (), NOW, console_for(stream))

    assert stream.getvalue() == status_text(ROLLOUT, STORED_EVENTS, NOW)


def test_the_data_of_a_status() -> None:
    data = status_data(ROLLOUT, STORED_EVENTS[:2])

    assert [*data] == [
        "rollout",
        "phase",
        "weight",
        "maxWeight",
        "canaryRevision",
        "promotedRevision",
        "lastAdvanceTime",
        "conditions",
        "measurements",
        "promotion",
        "events",
    ]
    assert (data["phase"], data["weight"], data["maxWeight"]) == ("Progressing", 30, 60)
    assert data["lastAdvanceTime"] == "2026-01-31T11:56:00Z"
    assert data["conditions"] == ROLLOUT["status"]["conditions"]
    assert data["events"][0] == {
        "type": "Normal",
        "reason": "Synced",
        "message": "Starting rollout for podinfo.test",
        "count": 1,
        "firstTime": "2026-01-31T11:55:00Z",
        "lastTime": "2026-01-31T11:55:00Z",
    }


def test_times_that_a_yaml_reader_made_are_times() -> None:
    status = {"lastAdvanceTime": datetime(2026, 1, 31, 11, 0), "canaryWeight": 5}  # noqa: DTZ001 - as PyYAML makes it

    assert "last moved 60m ago" in status_text({"status": status}, [], NOW)
    assert status_data({"status": status}, [])["lastAdvanceTime"] == "2026-01-31T11:00:00Z"


TIMES = st.sampled_from(
    ["0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00", ago(days=1), datetime(9999, 12, 31, tzinfo=UTC), "odd"]
)
ODD = VALUES | TIMES | TEXTS


def some(*keys: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=dict.fromkeys(keys, ODD))


STATUS = some("phase", "canaryWeight", "lastAdvanceTime", "canaryRevision", "promotedRevision").flatmap(
    lambda fields: st.fixed_dictionaries(
        {
            "conditions": ODD | st.lists(some("type", "status", "message", "reason", "lastTransitionTime"), max_size=2),
            "measurements": ODD | st.lists(some("name", "value", "threshold", "verdict", "query", "time"), max_size=2),
        }
    ).map(lambda lists: fields | lists)
)
ROLLOUTS = st.fixed_dictionaries({"metadata": ODD | some("name", "namespace"), "status": ODD | STATUS, "spec": ODD})
ANY_EVENTS = st.lists(
    some("type", "reason", "message", "source", "series", "count", "firstTimestamp", "lastTimestamp", "eventTime"),
    max_size=3,
)


@given(ROLLOUTS, ANY_EVENTS)
def test_no_manifest_is_too_odd(rollout: dict[str, Any], events: list[dict[str, Any]]) -> None:
    text = status_text(rollout, events, NOW)
    data = status_data(rollout, events)

    assert all(character == "\n" or character.isprintable() for character in text)
    assert json.loads(dump(data, "json")) == yaml.safe_load(dump(data, "yaml")) == data
