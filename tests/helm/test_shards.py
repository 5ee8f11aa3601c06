"""The Indexed Job that Kubernetes makes of the chart when several pods share the Rollouts, on a real API server.

The pods are those of the real Job controller; what their containers would run is run with the arguments and the
environment that it gave them.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from reconcile.engine.shards import shard_index
from tests.apiserver.steering import apply, at_rest, get
from tests.components.processes import wait_for
from tests.helm.installed import Installed, decisions, new_namespace
from tests.helm.rendering import CHART, helm

if TYPE_CHECKING:
    from tests.components.controlplane import ControlPlane

SHARDS, CROWD = 4, 20
INDEX = "batch.kubernetes.io/job-completion-index"


def index(pod: dict[str, Any]) -> int:
    return int(pod["metadata"]["annotations"][INDEX])


def ended(installed: Installed, job: str) -> dict[str, Any]:
    """Wait until a Job has ended either way, and give it."""

    def conditions() -> set[str]:
        status = get(installed.plane, f"job/{job}", installed.home).get("status", {})
        return {item["type"] for item in status.get("conditions", ()) if item["status"] == "True"}

    wait_for(lambda: bool({"Complete", "Failed"} & conditions()), f"the end of Job {job}")
    return get(installed.plane, f"job/{job}", installed.home)


def test_the_pods_of_one_job_do_every_rollout_once(installed: Installed) -> None:
    shop = new_namespace(installed.plane)
    apply(installed.plane, *(item for number in range(CROWD) for item in at_rest(shop, f"app-{number}")))
    notes = installed.values(shop, shards=str(SHARDS), suspend="true")

    job = installed.begin()
    status = ended(installed, job)["status"]
    pods = installed.pods(job)
    with ThreadPoolExecutor(SHARDS) as threads:
        done = list(threads.map(installed.run, pods))

    assert (status["succeeded"], status["completedIndexes"]) == (SHARDS, f"0-{SHARDS - 1}")
    assert f"Rollouts of {shop},\nas soon as it is no longer suspended" in notes
    assert f"\n{SHARDS} pods share them, by a hash of namespace and name.\nIt asks " in notes
    assert sorted(map(index, pods)) == list(range(SHARDS))
    assert [each.code for each in done] == [0] * SHARDS
    lines = [line for each in done for line in decisions(each, shop)]
    assert Counter(line["rollout"] for line in lines) == Counter(f"app-{number}" for number in range(CROWD))
    assert {(line["move"], line["result"]) for line in lines} == {("initialize", "applied")}
    by_hash = {shard_index(shop, f"app-{number}", SHARDS) for number in range(CROWD)}
    assert {index(pod) for pod, each in zip(pods, done, strict=True) if decisions(each, shop)} == by_hash


def test_a_pod_that_fails_ends_no_other_and_is_left_to_the_next_pass(installed: Installed) -> None:
    plane, home, failing = installed.plane, installed.home, 2
    installed.values(shards=str(SHARDS), suspend="true")

    with plane.no_room(home):  # so that it is told here how each ends
        job = installed.begin()
        wait_for(lambda: len(installed.pods(job)) == SHARDS, "all pods")
        end(plane, next(pod for pod in installed.pods(job) if index(pod) == failing), "Failed")
        wait_for(lambda: get(plane, f"job/{job}", home)["status"].get("failedIndexes") == str(failing), "the failure")
        assert not get(plane, f"job/{job}", home)["status"].get("conditions")
        for pod in installed.pods(job):
            assert "deletionTimestamp" not in pod["metadata"]
            if index(pod) != failing:
                end(plane, pod, "Succeeded")
        over = ended(installed, job)["status"]

    assert (over["completedIndexes"], over["failedIndexes"]) == ("0,1,3", "2")
    assert [item["reason"] for item in over["conditions"] if item["type"] == "Failed"] == ["FailedIndexes"]
    assert len(installed.pods(job)) == SHARDS  # it was not tried again


def end(plane: ControlPlane, pod: dict[str, Any], phase: str) -> None:
    """Tell how a pod that is held has ended."""
    metadata = pod["metadata"]
    path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/status"
    plane.merge(path, {"status": {"phase": phase}})


def test_the_longest_name_leaves_room_for_the_numbers_of_all_pods(bare_plane: ControlPlane) -> None:
    """The API server refuses an Indexed Job whose pods would get names that are no host names."""
    home = new_namespace(bare_plane)
    release = "r" * 53
    sets = ("--set", "shards=100,suspend=true,crd.install=false,namespaces={default}")
    helm("install", release, str(CHART), f"--namespace={home}", *sets, kubeconfig=bare_plane.kubeconfig)
    [name] = bare_plane.kubectl("get", "cronjobs", "-o", "name", namespace=home).split()
    minutes = "29700000"  # a CronJob's Jobs are named after the minute; there are as many digits until 2160
    job = f"{name.removeprefix('cronjob.batch/')}-{minutes}"

    bare_plane.kubectl("create", "job", job, f"--from={name}", "--dry-run=server", namespace=home)
