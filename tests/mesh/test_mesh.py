"""The main job on real parts: requests that really fail halt a release, at the weight that it has.

An API server with its controllers holds the Deployments and the route, a proxy sends requests by the stored weights to
a primary and a canary that are really there, Prometheus watches the proxy, and the program is a process for each pass.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.components.processes import free_port
from tests.mesh.release import DURATION, SUCCESS, measurement, messages, wait_for

if TYPE_CHECKING:
    from tests.mesh.release import Release

SLOW, FAILING = ("/delay/1", 8), ("/status/500", 10)  # what the canary is asked beside its share, and how often
HELD = 3  # passes


def test_release_halts_on_what_really_goes_wrong_and_ends_promoted(release: Release) -> None:
    starts_on_the_series_of_the_primary(release)
    advances(release, 60)
    halts_without_prometheus(release)
    slow = holds_while_slow(release)
    advances(release, 90)
    failing = holds_while_failing(release)
    advances(release, 100)
    ends_promoted(release)
    tells_what_happened(release, slow, failing)


def starts_on_the_series_of_the_primary(release: Release) -> None:
    """Nothing is known of the canary yet. One query for each metric asks for both."""
    assert release.mesh.prometheus.query('istio_requests_total{destination_workload="podinfo-canary"}') == []
    asked = release.asked()

    record = release.tick()

    assert record["move"] == "start"
    assert messages(record) == [
        f"Starting rollout for {release.full_name}",
        f"Advance rollout {release.full_name} weight 30",
    ]
    assert record["measurements"] == []
    assert release.asked() == asked + 2
    assert release.weights() == (70, 30)


def advances(release: Release, weight: int) -> None:
    """Go on as soon as the metrics pass, and no pass earlier; what halts until then is what they say."""
    before, asked = release.weights(), release.asked()

    *halted, record = release.ticks_until("advance")

    for earlier in halted:
        assert earlier["move"] == "halt", earlier
        assert {entry["verdict"] for entry in earlier["measurements"]} != {"passed"}
        assert earlier["patches"] == status_only(earlier)
        assert earlier["after"]["weight"] == before[1]
    assert messages(record) == [f"Advance rollout {release.full_name} weight {weight}"]
    assert 99 <= measurement(record, SUCCESS)["value"] <= 100
    assert measurement(record, DURATION)["value"] <= 500
    assert release.asked() == asked + 2 * (len(halted) + 1)
    assert release.weights() == (100 - weight, weight)


def halts_without_prometheus(release: Release) -> None:
    wrong = f"http://127.0.0.1:{free_port()}"
    before, asked = release.weights(), release.asked()

    record = release.tick(metrics_server=wrong)

    assert record["move"] == "halt"
    [event] = record["events"]
    assert event["type"] == "Warning"
    assert event["message"].startswith(f"Halt rollout {release.full_name} success rate: ")
    assert wrong in event["message"]
    assert "refused" in event["message"]
    assert [entry["value"] for entry in record["measurements"]] == [None, None]
    assert record["patches"] == status_only(record)
    assert release.weights() == before
    assert release.asked() == asked


def holds_while_slow(release: Release) -> list[str]:
    with release.mesh.trouble(*SLOW):
        wait_for(lambda: (release.figure(DURATION) or 0) > 500, "the canary to be slow")
        records = holds(release)
        follows_weights(release)

    said = []
    for record in records:
        found = measurement(record, DURATION)
        text = rf"Halt rollout {re.escape(release.full_name)} request duration ([1-4](?:\.\d{{1,3}})?)s > 500ms"
        [message] = messages(record)
        match = re.fullmatch(text, message)
        assert match, message
        assert float(match[1]) == pytest.approx(found["value"] / 1000, abs=0.001)
        figures = release.figures_about(record, DURATION)
        assert min(abs(figure - found["value"]) for figure in figures) < 1
        said.append(message)
    return said


def holds_while_failing(release: Release) -> list[str]:
    with release.mesh.trouble(*FAILING):
        wait_for(lambda: (release.figure(SUCCESS) or 100) < 98, "the canary to fail")
        records = holds(release)

    said = []
    for record in records:
        found = measurement(record, SUCCESS)
        [message] = messages(record)
        text = rf"Halt rollout {re.escape(release.full_name)} success rate (\d\d\.\d\d)% < 99%"
        match = re.fullmatch(text, message)
        assert match, message
        assert float(match[1]) == pytest.approx(found["value"], abs=0.01)
        figures = release.figures_about(record, SUCCESS)
        assert min(figures) - 1 < found["value"] < max(figures) + 1
        said.append(message)
    return said


def holds(release: Release) -> list[dict[str, Any]]:
    """Make passes while the canary is in trouble: none of them moves anything."""
    before = release.weights()
    records = [release.tick() for _ in range(HELD)]
    for record in records:
        assert record["move"] == "halt", record["reason"]
        assert record["patches"] == status_only(record)
        assert record["after"]["weight"] == before[1]
        assert [event["type"] for event in record["events"]] == ["Warning"]
    assert release.weights() == before
    assert release.get("rollout")["status"]["phase"] == "Progressing"
    return records


def follows_weights(release: Release) -> None:
    """Of 400 requests at 60 % the canary gets 240, give or take 9.8, the standard deviation; five of them are room."""
    assert release.weights() == (40, 60)
    release.wait_routed()
    answers = release.answers(400)
    assert sum(answers.values()) == 400
    assert 191 <= answers["podinfo-canary"] <= 289


def status_only(record: dict[str, Any]) -> list[dict[str, Any]]:
    return [patch for patch in record["patches"] if patch["target"].get("subresource") == "status"]


def ends_promoted(release: Release) -> None:
    old, new = release.image("podinfo"), release.image("podinfo-canary")
    assert old != new
    release.wait_routed()
    assert release.answers(50) == {"podinfo": 0, "podinfo-canary": 50}

    *_, copied = release.ticks_until("promote")
    assert release.image("podinfo") == new
    assert release.weights() == (0, 100)
    *waited, concluded = release.ticks_until("conclude")
    assert {record["move"] for record in waited} <= {"halt"}
    assert release.weights() == (100, 0)
    assert release.get("deployment", "podinfo-canary")["spec"]["replicas"] == 2
    retired = release.tick()

    assert messages(copied) == [f"Copying podinfo-canary.{release.namespace} template spec to {release.full_name}"]
    assert messages(concluded) == []
    assert messages(retired) == [f"Promotion complete! Scaling down podinfo-canary.{release.namespace}"]
    assert release.get("rollout")["status"]["phase"] == "Succeeded"
    primary = release.get("deployment")
    assert primary["spec"]["template"]["metadata"]["labels"] == {"app": "podinfo"}
    assert primary["status"]["updatedReplicas"] == primary["status"]["availableReplicas"] == 2
    canary = release.get("deployment", "podinfo-canary")
    assert canary["spec"]["replicas"] == 0
    wait_for(
        lambda: release.get("deployment", "podinfo-canary")["status"].get("replicas", 0) == 0, "the canary to be gone"
    )
    assert release.weights() == (100, 0)
    everything_goes_to_the_primary(release)


def everything_goes_to_the_primary(release: Release) -> None:
    release.wait_routed()
    assert release.answers(200) == {"podinfo": 200, "podinfo-canary": 0}
    # The steady requests go there as well: the canary's count stays while the primary's goes on.
    before = release.mesh.answered()
    wait_for(lambda: release.mesh.answered()["podinfo"] >= before["podinfo"] + 40, "more requests")
    assert release.mesh.answered()["podinfo-canary"] == before["podinfo-canary"]


def tells_what_happened(release: Release, slow: list[str], failing: list[str]) -> None:
    """Everything that the passes said is stored, and the story is the one of the demonstration."""
    told = [event for record in release.records for event in record["events"]]
    name, canary = release.full_name, f"podinfo-canary.{release.namespace}"
    assert [event["message"] for event in told if event["type"] == "Normal"] == [
        f"Starting rollout for {name}",
        *(f"Advance rollout {name} weight {weight}" for weight in (30, 60, 90, 100)),
        f"Copying {canary} template spec to {name}",
        f"Promotion complete! Scaling down {canary}",
    ]
    stored = release.events()
    assert {event["message"]: event["count"] for event in stored} == Counter(event["message"] for event in told)
    assert {(event["message"], event["type"]) for event in stored} == {
        (event["message"], event["type"]) for event in told
    }
    assert {event["reason"] for event in stored} == {"Synced"}
    assert {event["source"]["component"] for event in stored} == {"steerer"}
    order = iter([event["message"] for event in told])
    landmarks = [
        f"Advance rollout {name} weight 60",
        *slow,
        f"Advance rollout {name} weight 90",
        *failing,
        f"Advance rollout {name} weight 100",
    ]
    for message in landmarks:
        assert message in order, f"{message!r} is missing, or comes too early"  # looks at what is left of the order
