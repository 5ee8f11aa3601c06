"""What people are told of a release on a real API server: by notices while it goes on, by a report afterwards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from reconcile.model import rights
from tests.apiserver.steering import SUCCESS, Metrics, Steerer, account, get, install, wait_until_after
from tests.support.receiver import Received, receiving

if TYPE_CHECKING:
    from tests.components.controlplane import ControlPlane

REVISION, PHASE, WEIGHT = (f"apps.weave.works/{key}" for key in ("revision", "phase", "weight"))
STORED = {REVISION: "canaryRevision", PHASE: "phase", WEIGHT: "canaryWeight"}


def test_notices_come_after_what_is_stored_and_a_report_tells_all_of_it(
    control_plane: ControlPlane, namespace: str, metrics: Metrics
) -> None:
    install(control_plane, namespace, stepWeight=20, onFailure="Rollback", failureLimit=1)
    steerer = Steerer(
        kubeconfig=account(control_plane, namespace, rights.rules(rights.PASS)),
        metrics=metrics.url,
        namespace=namespace,
    )
    person = Steerer(kubeconfig=control_plane.kubeconfig, namespace=namespace)
    told: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def take(request: Received) -> None:
        told.append((json.loads(request.body), get(control_plane, "rollout/podinfo", namespace)["status"]))

    with receiving(on_request=take) as server:
        notify = f"--notify-url={server.url}"
        started, record = (steerer.passes(notify).record for _ in range(2))
        assert [started["move"], record["move"]] == ["start", "advance"]
        person("pause", "podinfo", "-n", namespace)
        assert steerer.passes(notify).record["move"] == "hold"
        person("resume", "podinfo", "-n", namespace)
        # The report goes by the Events: of two in one second nothing says which came first.
        wait_until_after(record["time"])
        metrics.values[SUCCESS] = "50"
        moves = [steerer.passes(notify).record["move"] for _ in range(4)]
    assert moves == ["halt", "roll back", "give up", "idle"]
    assert [notice["reason"] for notice, _ in told] == [
        *("Started", "Advanced", "Advanced", "Halted", "RollingBack", "Failed")
    ]
    for notice, status in told:
        assert notice["metadata"] == {key: str(status[field]) for key, field in STORED.items()}
        assert notice["involvedObject"]["namespace"] == namespace

    person("abort", "podinfo", "-n", namespace)
    document = json.loads(person("report", "podinfo", "-n", namespace, "--since=1h", "-o", "json").out)
    assert [item["weight"] for item in document["weights"]] == [20, 40, 0]
    # Several passes were made in one second, which is all that the time of an Event says.
    kinds = [item["kind"] for item in document["happened"] if item["kind"]]
    assert sorted(kinds) == sorted(notice["reason"] for notice, _ in told)
    assert [(act["action"], act["who"] != "", act["at"] is not None) for act in document["acts"]] == [
        ("abort", True, True)
    ]
    assert document["phase"] == "Failed"
    assert {"halt", "hold"} == {span["kind"] for span in document["spans"]}
    assert "Rolled back" in person("report", "podinfo", "-n", namespace, "-o", "html").out
    assert person("check", "-n", namespace, "-o", "markdown", expect=4).out.startswith("### 1 Rollout: ")
