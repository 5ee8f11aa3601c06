"""The stored status: its shape, its conditions, and the patch that is the ticket of a pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from reconcile.core.status import Readiness, patch, patch_after, render, write_failed
from reconcile.model.measurement import Measurement
from reconcile.model.rollout import Phase, Rollout, State
from reconcile.model.rollout_manifest import parse
from reconcile.model.text import clip
from tests.support.world import START, SUCCESS, R, rollout

if TYPE_CHECKING:
    from reconcile.model.kinds import Manifest

AFTER = "2026-01-31T12:00:00Z"
UNDER_WAY = Readiness(ready="Unknown", reason="Progressing", message="on its way", reconciling=True)
RESTING = Readiness(ready="True", reason="Succeeded", message="done")
BEFORE = "2026-01-30T00:00:00Z"


def stored(status: Any = None, **metadata: Any) -> Rollout:
    manifest = rollout()
    manifest["metadata"] |= metadata
    if status is not None:
        manifest["status"] = status
    return parse(manifest)


def measurement(**changes: Any) -> Measurement:
    found = Measurement(
        metric=SUCCESS, query="q", value=99.5, threshold=99.0, bound="minimum", verdict="passed", text="t", at=START
    )
    return replace(found, **changes)


def test_everything_that_is_known_is_rendered() -> None:
    state = State(
        phase=Phase.PROGRESSING,
        canary_revision="v1-a",
        canary_generation=4,
        canary_uid="u",
        promoted_revision="v1-b",
        canary_weight=30,
        canary_replicas=2,
        last_advance=START,
        last_transition=START,
    )
    assert render(stored(generation=7), state, UNDER_WAY, [measurement()], START) == {
        "observedGeneration": 7,
        "phase": "Progressing",
        "canaryRevision": "v1-a",
        "canaryGeneration": 4,
        "canaryUID": "u",
        "promotedRevision": "v1-b",
        "canaryWeight": 30,
        "canaryReplicas": 2,
        "lastAdvanceTime": AFTER,
        "lastTransitionTime": AFTER,
        "measurements": [
            {"name": SUCCESS, "query": "q", "value": 99.5, "threshold": 99.0, "verdict": "passed", "time": AFTER}
        ],
        "conditions": [
            {
                "type": kind,
                "status": value,
                "reason": "Progressing",
                "message": "on its way",
                "observedGeneration": 7,
                "lastTransitionTime": AFTER,
            }
            for kind, value in (("Ready", "Unknown"), ("Reconciling", "True"))
        ],
    }


def test_what_is_unknown_is_left_out_but_a_weight_of_zero_is_not() -> None:
    found = render(stored(), State(), RESTING, None, START)
    assert set(found) == {"canaryWeight", "conditions"}
    assert found["canaryWeight"] == 0
    assert "observedGeneration" not in found["conditions"][0]


def test_what_another_version_stored_is_kept() -> None:
    found = render(stored({"later": {"a": 1}, "phase": "Progressing"}), State(), RESTING, None, START)
    assert found["later"] == {"a": 1}
    assert "phase" not in found


def test_measurements_are_kept_replaced_or_forgotten() -> None:
    old = stored({"measurements": [{"name": "old"}]})
    assert render(old, State(), RESTING, None, START)["measurements"] == [{"name": "old"}]
    assert [item["name"] for item in render(old, State(), RESTING, [measurement()], START)["measurements"]] == [SUCCESS]
    assert "measurements" not in render(old, State(), RESTING, [], START)


def test_a_measurement_without_a_value_or_a_query() -> None:
    found = render(stored(), State(), RESTING, [measurement(value=None, query="", verdict="no data")], START)
    assert found["measurements"] == [{"name": SUCCESS, "threshold": 99.0, "verdict": "no data", "time": AFTER}]
    zero = render(stored(), State(), RESTING, [measurement(value=0.0, threshold=0.0, query="x" * 5000)], START)
    assert (zero["measurements"][0]["value"], zero["measurements"][0]["threshold"]) == (0.0, 0.0)
    assert len(zero["measurements"][0]["query"].encode()) == 4096


@pytest.mark.parametrize(
    "status",
    [
        {"phase": "Later", "canaryRevision": "v1-a", "canaryWeight": 30, "later": 1},
        {"phase": "Progressing", "canaryWeight": 150},
        {"phase": "Progressing", "lastAdvanceTime": "soon"},
    ],
)
def test_a_state_that_cannot_be_used_is_not_replaced(status: Manifest) -> None:
    rollout = stored(status, generation=2)
    assert rollout.spec is None
    found = render(rollout, rollout.state, Readiness(ready="False", reason="x", message="y", stalled=True), None, START)
    conditions = found.pop("conditions")
    assert found == status | {"observedGeneration": 2}
    assert [item["type"] for item in conditions] == ["Ready", "Stalled"]


def condition(kind: str, value: str) -> Manifest:
    return {"type": kind, "status": value, "reason": "old", "message": "old", "lastTransitionTime": BEFORE}


def test_the_time_of_a_condition_moves_only_with_its_status() -> None:
    old = stored({"conditions": [condition("Ready", "Unknown"), condition("Reconciling", "False"), "odd"]})
    found = {item["type"]: item for item in render(old, State(), UNDER_WAY, None, START)["conditions"]}
    assert found["Ready"]["lastTransitionTime"] == BEFORE
    assert found["Ready"]["message"] == "on its way"
    assert found["Reconciling"]["lastTransitionTime"] == AFTER


@pytest.mark.parametrize(
    "conditions", [None, "odd", {}, [{"type": "Ready", "status": "True"}], [{"type": ["Ready"], "status": "True"}]]
)
def test_conditions_that_say_no_time_begin_now(conditions: Any) -> None:
    found = render(stored({"conditions": conditions}), State(), RESTING, None, START)
    assert [(item["type"], item["lastTransitionTime"]) for item in found["conditions"]] == [("Ready", AFTER)]


def test_a_message_is_at_most_1024_bytes() -> None:
    long = Readiness(ready="False", reason="x", message="é" * 2000)
    found = render(stored(), State(), long, None, START)["conditions"][0]["message"]
    assert len(found.encode()) <= 1024
    assert found.endswith("é…")


@pytest.mark.parametrize(
    ("text", "most", "found"),
    [("short", 5, "short"), ("longer", 5, "lo…"), ("ééé", 5, "é…"), ("\ud800", 9, "\ud800"), ("\ud800aaa", 3, "…")],
)
def test_a_text_is_cut_between_two_characters(text: str, most: int, found: str) -> None:
    assert clip(text, most) == found


def test_an_unchanged_status_is_not_written() -> None:
    assert patch(stored({"phase": "Succeeded"}), {"phase": "Succeeded"}) == ()
    assert patch(stored(), {}) == ()


def test_what_follows_in_the_same_plan_tests_that_no_other_pass_made_a_move() -> None:
    written = patch_after(stored(), {"phase": "Finalising", "canaryRevision": "v1-a", "canaryReplicas": 2}, {"b": 2})
    assert written.operations == (
        {"op": "test", "path": "/status/phase", "value": "Finalising"},
        {"op": "test", "path": "/status/canaryRevision", "value": "v1-a"},
        {"op": "add", "path": "/status", "value": {"b": 2}},
    )
    assert (written.target, written.api_version, written.subresource) == (R, "apps.weave.works/v1beta1", "status")
    assert len(patch_after(stored(), {}, {"b": 2}).operations) == 1


def test_a_promise_is_only_taken_back_where_it_is_the_one_that_was_made() -> None:
    for status, tests in (({"lastAdvanceTime": AFTER}, ["lastAdvanceTime", "conditions"]), ({}, ["conditions"])):
        (promised,) = patch(stored(), status | {"conditions": [condition("Ready", "True")]})
        *tested, written = write_failed(promised, "no rights", START).operations
        assert [operation["path"] for operation in tested] == [f"/status/{key}" for key in tests]
        assert {operation["op"] for operation in tested} == {"test"}
        assert (written["path"], written["value"][0]["reason"]) == ("/status/conditions", "WriteFailed")


def test_the_ticket_tests_the_resource_version_or_the_old_status_or_nothing() -> None:
    (written,) = patch(stored({"a": 1}, resourceVersion="77"), {"b": 2})
    assert written.operations == (
        {"op": "test", "path": "/metadata/resourceVersion", "value": "77"},
        {"op": "add", "path": "/status", "value": {"b": 2}},
    )
    assert (written.target, written.api_version, written.subresource) == (R, "apps.weave.works/v1beta1", "status")
    (written,) = patch(stored({"a": 1}), {"b": 2})
    assert written.operations[0] == {"op": "test", "path": "/status", "value": {"a": 1}}
    (written,) = patch(stored(), {"b": 2})
    assert [operation["op"] for operation in written.operations] == ["add"]
