"""A release that ends without a promotion, on real parts: what users see of it, and for how long.

The parts are those of test_mesh. Users are browsers, by the stored weights: they ask for a page, and a bad canary has
lost it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tests.apiserver.steering import rolled_out
from tests.mesh.release import STEP, SUCCESS, measurement, wait_for

if TYPE_CHECKING:
    from tests.mesh.release import Release

FORGIVEN = 2  # checks
POLICY = {"onFailure": "Rollback", "failureLimit": FORGIVEN}
FAILING = 'sum(rate(istio_requests_total{destination_workload="podinfo-canary",response_code="500"}[10s])) > 0'


def test_a_bad_canary_loses_its_traffic_by_policy_and_by_a_persons_word(release: Release) -> None:
    release.plane.patch("rollout/podinfo", release.namespace, {"spec": {"canaryAnalysis": POLICY}})
    with release.mesh.page_lost():
        rolled_back_without_a_person(release)
    release.mesh.prometheus.stop()
    aborted_without_prometheus(release)
    aborted_with_the_primary_half_rolled_out(release)
    aborted_while_the_canary_crashes(release)


def rolled_back_without_a_person(release: Release) -> None:
    """Errors last for the checks that are forgiven and one pass, and are no more than the share of the canary."""
    assert release.run_pass()["move"] == "start"
    wait_for(lambda: release.mesh.prometheus.query(FAILING) != [], "Prometheus to see the errors")
    passes = [release.tick() for _ in range(FORGIVEN + 1)]
    assert [record["move"] for record in passes] == ["halt"] * FORGIVEN + ["roll back"]
    assert [measurement(record, SUCCESS)["value"] for record in passes] == [0] * (FORGIVEN + 1)
    left_alone(release)

    ended, errors = sum(release.users.ended().values()), failed(release)
    likely = ended * STEP / 100
    assert 0 < errors <= likely + 5 * math.sqrt(likely * (1 - STEP / 100))
    assert release.tick()["move"] == "give up"
    assert phase(release) == ("Failed", "AnalysisFailed")
    assert release.get("deployment", "podinfo-canary")["spec"]["replicas"] == 0


def aborted_without_prometheus(release: Release) -> None:
    new_version(release, 3)
    record = release.run_pass()
    assert (record["move"], {entry["value"] for entry in record["measurements"]}) == ("halt", {None})
    aborted(release)


def aborted_with_the_primary_half_rolled_out(release: Release) -> None:
    new_version(release, 4)
    with release.plane.no_room(release.namespace):
        release.plane.set_image("podinfo", release.namespace, "podinfo:edited")
        wait_for(lambda: release.get("deployment")["status"].get("updatedReplicas") == 1, "a first new pod")
        assert release.run_pass()["move"] == "halt"
        aborted(release)
    rolled_out(release.plane, release.namespace, "podinfo")


def aborted_while_the_canary_crashes(release: Release) -> None:
    new_version(release, 5)
    before = failed(release)
    release.mesh.crash()
    crash_looping(release)
    wait_for(lambda: failed(release) > before, "users to see errors")
    assert release.run_pass()["move"] == "halt"
    aborted(release)


def new_version(release: Release, number: int) -> None:
    """Give the canary a version that has not failed yet, and its first weight."""
    release.plane.set_image("podinfo-canary", release.namespace, f"podinfo:{number}")
    if release.get("deployment", "podinfo-canary")["spec"]["replicas"] == 0:
        assert release.run_pass()["move"] == "scale up"
    rolled_out(release.plane, release.namespace, "podinfo-canary")
    assert release.run_pass()["move"] == "start"
    release.wait_routed()
    before = release.mesh.answered()[release.mesh.canary]
    wait_for(lambda: release.mesh.answered()[release.mesh.canary] > before, "the canary to answer")


def crash_looping(release: Release) -> None:
    """Say of the pods of the canary what a kubelet would."""
    waiting = {"reason": "CrashLoopBackOff"}
    unready = [{"type": kind, "status": "False"} for kind in ("Ready", "ContainersReady")]
    pods = release.plane.objects(release.namespace, "pod")
    for pod in [one for one in pods if one["metadata"]["labels"]["app"] == "podinfo-canary"]:
        [status] = pod["status"]["containerStatuses"]
        status |= {"ready": False, "restartCount": 4, "state": {"waiting": waiting}}
        changes = {"status": {"conditions": unready, "containerStatuses": [status]}}
        release.plane.patch(f"pod/{pod['metadata']['name']}/status", release.namespace, changes)
    wait_for(
        lambda: "readyReplicas" not in release.get("deployment", "podinfo-canary")["status"], "the canary to be unready"
    )


def aborted(release: Release) -> None:
    """One pass after a person's word the canary has no traffic: it asks no metric."""
    assert release.weights() == (100 - STEP, STEP)
    assert "abort of revision" in release.steerer("abort")
    record = release.run_pass()
    assert (record["move"], record["measurements"]) == ("roll back", [])
    left_alone(release)
    assert phase(release) == ("RollingBack", "RollingBack")


def left_alone(release: Release) -> None:
    """No request reaches the canary any more, and users see no error, once the proxy has the weights."""
    assert release.weights() == (100, 0)
    release.wait_routed()
    more_requests(release)  # those that were on their way
    before = release.mesh.answered()[release.mesh.canary], failed(release)
    more_requests(release)
    assert (release.mesh.answered()[release.mesh.canary], failed(release)) == before


def more_requests(release: Release) -> None:
    goal = release.mesh.answered()[release.mesh.primary] + 40
    wait_for(lambda: release.mesh.answered()[release.mesh.primary] >= goal, "40 more requests")


def failed(release: Release) -> int:
    """Count the requests of users so far that were not answered as they should."""
    return sum(count for how, count in release.users.ended().items() if how != "200")


def phase(release: Release) -> tuple[str, str]:
    status = release.get("rollout")["status"]
    return status["phase"], next(one["reason"] for one in status["conditions"] if one["type"] == "Ready")
