"""A release on a real API server with real controllers, told by what it leaves behind: objects, Events, requests.

The example is applied as the README says, the canary gets a new image, and passes run until it is promoted; then a
second image, with trouble on the way. The story is played once, and each test reads a part of the record.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.apiserver.steering import (
    ARTIFACTS,
    DURATION,
    SUCCESS,
    Metrics,
    Steerer,
    changes,
    get,
    of_steerer,
    rolled_out,
    seat,
    started,
    wait_until_after,
)
from tests.components.processes import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.apiserver.steering import Done
    from tests.components.audit import AuditEntry
    from tests.components.controlplane import ControlPlane

NAMESPACE = "test"
KINDS = ("deployment", "service", "horizontalpodautoscaler", "virtualservice", "rollout")
P, C = "Deployment/podinfo", "Deployment/podinfo-canary"
VS, R = "VirtualService/podinfo", "Rollout/podinfo"
IMAGE = "/spec/template/spec/containers/0/image"

Objects = dict[str, dict[str, Any]]


def rich(virtual_service: dict[str, Any]) -> dict[str, Any]:
    """Returns the example's VirtualService with everything that Istio allows beside two weights."""
    spec = virtual_service["spec"]
    [plain] = spec["http"]
    header = {"end-user": {"exact": "tester"}}
    tester = {"match": [{"headers": header}], "route": [{"destination": {"host": "podinfo-canary"}}], "timeout": "3s"}
    old = {
        "name": "old-clients",
        "match": [{"uri": {"prefix": "/v1"}}],
        "rewrite": {"uri": "/"},
        "timeout": "15s",
        "retries": {"attempts": 3, "perTryTimeout": "2s", "retryOn": "gateway-error,connect-failure"},
        "route": [
            {
                "destination": {"host": f"podinfo-canary.{NAMESPACE}.svc.cluster.local"},
                "weight": 0,
                "headers": {"response": {"set": {"x-served-by": "canary"}}},
            },
            {"destination": {"host": "podinfo", "port": {"number": 9898}}, "weight": 100},
        ],
    }
    all_others = plain | {
        "mirror": {"host": "podinfo-shadow"},
        "mirrorPercentage": {"value": 12.5},
        "corsPolicy": {"allowOrigins": [{"exact": "https://example.com"}], "maxAge": "24h"},
    }
    labels, annotations = {"team": "podinfo"}, {"example.com/owner": "somebody@example.com"}
    return virtual_service | {
        "metadata": virtual_service["metadata"] | {"labels": labels, "annotations": annotations},
        "spec": spec | {"http": [tester, old, all_others]},
    }


def weights(canary: int, before: int) -> dict[str, tuple[int, int]]:
    """Returns the changes of the VirtualService from one weight to another: two weights in each managed route."""
    to_canary, to_primary = (before, canary), (100 - before, 100 - canary)
    http = "/spec/http/{}/route/{}/weight"
    return {
        http.format(1, 0): to_canary,
        http.format(1, 1): to_primary,
        http.format(2, 0): to_primary,
        http.format(2, 1): to_canary,
    }


@dataclass(frozen=True, kw_only=True)
class Step:
    """One pass: its output, the objects before and after it, and its requests."""

    record: dict[str, Any]
    before: Objects
    after: Objects
    requests: Sequence[AuditEntry]

    @property
    def move(self) -> str:
        """The move, and the weight after it."""
        return f"{self.record['move']} {self.record['after']['weight']}"

    @property
    def writes(self) -> list[tuple[str, str]]:
        """The writes, in order."""
        return [
            (entry.verb, "/".join(filter(None, (entry.resource, entry.subresource))))
            for entry in self.requests
            if entry.verb not in {"get", "list", "watch"}
        ]

    def condition(self, kind: str) -> str:
        """Returns the status of a condition after the pass; "" where it is absent."""
        conditions = self.after[R]["status"]["conditions"]
        return next((item["status"] for item in conditions if item["type"] == kind), "")


@dataclass(kw_only=True)
class Release:
    """A release, and all its passes so far."""

    plane: ControlPlane
    steerer: Steerer
    metrics: Metrics
    steps: list[Step] = field(default_factory=list)
    marks: dict[str, int] = field(default_factory=dict)
    described: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)

    def objects(self) -> Objects:
        """Returns all objects of a Rollout."""
        found = self.plane.objects(NAMESPACE, *KINDS)
        return {f"{item['kind']}/{item['metadata']['name']}": item for item in found}

    def kubectl(self, *args: str) -> str:
        """Runs kubectl in the namespace of the example."""
        return self.plane.kubectl(*args, namespace=NAMESPACE)

    def passes(self, *moves: str, spaced: bool = False) -> None:
        """Makes passes and asserts their moves; `spaced`: no two in one second, as Events have whole seconds."""
        mark, before, seen = self.plane.mark(), self.objects(), 0
        for move in moves:
            if spaced and self.steps:
                wait_until_after(self.steps[-1].record["time"])
            done: Done = self.steerer.passes("-n", NAMESPACE)
            requests = of_steerer(self.plane.requests_since(mark))[seen:]
            after = self.objects()
            self.steps.append(Step(record=done.record, before=before, after=after, requests=requests))
            assert self.steps[-1].move == move, done.out + done.err
            before, seen = after, seen + len(requests)

    def note(self, chapter: str) -> None:
        """Keeps the output of `kubectl get` and of the status command."""
        self.marks[chapter] = len(self.steps)
        _, _, events = self.kubectl("describe", "rollout", "podinfo").partition("\nEvents:\n")
        rows = [re.split(r"\s{2,}", line.strip()) for line in events.splitlines()[2:]]
        self.described[chapter] = [tuple(row) for row in rows]
        self.tables[chapter] = self.kubectl("get", "rollouts", "-o", "wide")

    def image(self, tag: str) -> None:
        """Releases an image as a user does, and lets the controller note its revision."""
        self.plane.set_image("podinfo-canary", NAMESPACE, f"quay.io/stefanprodan/podinfo:{tag}")
        self.settled("podinfo-canary")

    def settled(self, *names: str) -> None:
        """Waits until Deployments are rolled out."""
        rolled_out(self.plane, NAMESPACE, *names)


@pytest.fixture(scope="module")
def release(control_plane: ControlPlane) -> Iterator[Release]:
    """Runs two releases to their end; the tests look at what they have left."""
    with Metrics().serving() as metrics:
        steerer = Steerer(kubeconfig=control_plane.kubeconfig, metrics=metrics.url)
        story = Release(plane=control_plane, steerer=steerer, metrics=metrics)
        install(story)
        first_release(story)
        second_release(story)
        yield story
        # Not the namespace, whose deletion takes long: it is empty for the next test.
        for folder in ("rollouts", "workloads"):
            control_plane.kubectl("delete", "-f", str(ARTIFACTS / folder), "--timeout=30s")
        control_plane.request("DELETE", f"/api/v1/namespaces/{NAMESPACE}/events").raise_for_status()


def install(story: Release) -> None:
    """Applies the example, file by file, with more fields in its VirtualService."""
    workloads = ("deployment", "service", "deployment-canary", "service-canary", "hpa-canary", "virtual-service")
    files = ("namespaces/", *(f"workloads/{name}.yaml" for name in workloads), "rollouts/podinfo.yaml")
    for file in files:
        story.plane.kubectl("apply", "-f", str(ARTIFACTS / file))
    route = yaml.safe_load((ARTIFACTS / "workloads/virtual-service.yaml").read_text())
    story.plane.apply(json.dumps(rich(route)))
    story.settled("podinfo", "podinfo-canary")


def first_release(story: Release) -> None:
    """Releases an image that is slow at 30 % and fails at 60 %."""
    values = story.metrics.values
    story.image("1.2.2")
    story.settled("podinfo-canary")
    story.note("beginning")
    story.passes("start 10", "advance 20", "advance 30", spaced=True)
    for values[DURATION] in ("2525", "1567", "823"):
        story.passes("halt 30", spaced=True)
    story.note("halted")
    story.metrics.good()
    story.passes("advance 40", "advance 50", "advance 60", spaced=True)
    for values[SUCCESS] in ("82.33", "87.22", "94.74"):
        story.passes("halt 60", spaced=True)
    story.metrics.good()
    story.passes("advance 70", "advance 80", "advance 90", "advance 100", spaced=True)
    with story.plane.no_room(NAMESPACE):
        story.passes("promote 100", spaced=True)
        seat(story.plane, NAMESPACE, "podinfo")
        wait_for(lambda: available_of_new(story) == (1, 2), "one of two new pods of the primary to be available")
        story.passes("halt 100", spaced=True)
    story.settled("podinfo")
    story.passes("conclude 0", "retire 0", spaced=True)
    story.settled("podinfo-canary")
    story.note("promoted")
    story.passes("idle None")


def available_of_new(story: Release) -> tuple[int, int]:
    """Returns how many of the primary's new pods are available, and how many there are."""
    status = story.objects()[P]["status"]
    old = status["replicas"] - status.get("updatedReplicas", 0)
    return status.get("availableReplicas", 0) - old, status.get("updatedReplicas", 0)


def second_release(story: Release) -> None:
    """Releases another image, and disturbs the release in every way that a user can."""
    story.note("second")
    story.image("1.2.3")
    story.passes("scale up 0")
    story.settled("podinfo-canary")
    story.passes("start 10")

    story.kubectl(*scale_by_autoscaler(4))
    story.passes("halt 10")
    story.kubectl(*scale_by_autoscaler(2))
    for name in ("podinfo-canary", "podinfo"):
        story.kubectl("rollout", "pause", f"deployment/{name}")
        story.passes("halt 10")
        story.kubectl("rollout", "resume", f"deployment/{name}")
        story.settled(name)

    story.metrics.values[SUCCESS] = "50"
    story.passes("halt 10", "halt 10", "halt 10", spaced=True)
    del story.metrics.values[SUCCESS]
    story.passes("halt 10")
    story.metrics.good()

    story.kubectl("patch", "rollout", "podinfo", "--type=merge", "-p", '{"spec":{"canaryAnalysis":{"stepWeight":90}}}')
    story.passes("advance 100")
    story.kubectl("rollout", "restart", "deployment/podinfo-canary")
    story.settled("podinfo-canary")
    story.passes("reset 0", "start 90", "advance 100", "promote 100")
    story.settled("podinfo")
    story.passes("conclude 0", "retire 0")
    story.note("end")


def scale_by_autoscaler(desired: int) -> tuple[str, ...]:
    """Returns kubectl arguments: the HorizontalPodAutoscaler has two replicas and wants `desired`."""
    status = {"status": {"currentReplicas": 2, "desiredReplicas": desired}}
    return ("patch", "hpa", "podinfo-canary", "--subresource=status", "--type=merge", "-p", json.dumps(status))


# --- What people see ---


def test_describe_shows_the_events_of_the_seed_in_its_order(release: Release) -> None:
    advance, halt = "Advance rollout podinfo.test weight", "Halt rollout podinfo.test"
    shown = release.described["promoted"]

    assert [(row[0], row[-1]) for row in shown] == [
        ("Normal", "Starting rollout for podinfo.test"),
        *(("Normal", f"{advance} {weight}") for weight in (10, 20, 30)),
        *(("Warning", f"{halt} request duration {text} > 500ms") for text in ("2.525s", "1.567s", "823ms")),
        *(("Normal", f"{advance} {weight}") for weight in (40, 50, 60)),
        *(("Warning", f"{halt} success rate {text} < 99%") for text in ("82.33%", "87.22%", "94.74%")),
        *(("Normal", f"{advance} {weight}") for weight in (70, 80, 90, 100)),
        ("Normal", "Copying podinfo-canary.test template spec to podinfo.test"),
        ("Warning", "Waiting for podinfo.test rollout to finish: 1 of 2 updated replicas are available"),
        ("Normal", "Promotion complete! Scaling down podinfo-canary.test"),
    ]
    assert {(row[1], row[3]) for row in shown} == {("Synced", "steerer")}
    assert all(re.fullmatch(r"\d+s|1m\d*s?", row[2]) for row in shown)


def test_get_shows_where_the_rollout_stands(release: Release) -> None:
    def table(chapter: str) -> list[list[str]]:
        return [re.split(r"\s{2,}", line.strip()) for line in release.tables[chapter].splitlines()]

    assert table("halted")[0] == ["NAME", "STATUS", "WEIGHT", "READY", "REASON", "AGE", "MESSAGE"]
    columns = {chapter: [*table(chapter)[1][:4], table(chapter)[1][-1]] for chapter in ("halted", "promoted", "end")}
    assert columns["halted"] == ["podinfo", "Progressing", "30", "False", "request duration 823ms > 500ms"]
    for chapter in ("promoted", "end"):
        *at_rest, message = columns[chapter]
        assert at_rest == ["podinfo", "Succeeded", "0", "True"]
        assert re.fullmatch("v1-[0-9a-f]{20} is promoted; waiting for a new revision of podinfo-canary.test", message)


def test_whoever_waits_for_the_rollout_is_told_the_truth(release: Release) -> None:
    for step in release.steps:
        rollout = step.after[R]
        resting = rollout["status"]["phase"] == "Succeeded"
        assert rollout["status"]["observedGeneration"] == rollout["metadata"]["generation"], step.move
        assert step.condition("Stalled") == "", step.move
        assert step.condition("Reconciling") == ("" if resting else "True"), step.move
        assert (step.condition("Ready") == "True") is resting, step.move
    release.kubectl("wait", "--for=condition=Ready", "rollout/podinfo", "--timeout=5s")


# --- What is written ---


def test_each_step_changes_the_weights_and_nothing_else_of_the_virtual_service(release: Release) -> None:
    for step in release.steps:
        before, after = step.record["before"]["weight"], step.record["after"]["weight"]
        changed = changes(step.before[VS], step.after[VS])
        assert changed == ({} if before == after else weights(after, before)), step.move
    whole = changes(release.steps[0].before[VS], release.steps[-1].after[VS])
    assert whole == {}


def test_of_the_primary_the_template_changes_and_nothing_else(release: Release) -> None:
    first = release.marks["promoted"]
    before, after = release.steps[0].before[P], release.steps[first - 1].after[P]

    changed = {path: values for path, values in changes(before, after).items() if not path.startswith("/status/")}

    assert changed == {
        IMAGE: ("quay.io/stefanprodan/podinfo:1.2.0", "quay.io/stefanprodan/podinfo:1.2.2"),
        "/metadata/annotations/deployment.kubernetes.io/revision": ("1", "2"),
    }
    assert after["spec"]["template"]["metadata"]["labels"] == {"app": "podinfo"}


def test_of_the_canary_the_size_changes_and_nothing_else(release: Release) -> None:
    for step in release.steps:
        changed = changes(step.before[C], step.after[C])
        sizes = {"retire": (2, 0), "scale up": (0, 2)}
        expected = sizes.get(step.record["move"])
        assert changed.get("/spec/replicas") == expected, step.move
        assert all(path.startswith("/status/") for path in changed if path != "/spec/replicas"), step.move


def test_nothing_else_is_touched(release: Release) -> None:
    for step in release.steps:
        for name in step.after.keys() - {P, C, VS, R}:
            assert changes(step.before[name], step.after[name]) == {}, (step.move, name)
        rollout = changes(step.before[R], step.after[R])
        assert all(path.startswith("/status/") for path in rollout), step.move
    assert release.steps[0].before.keys() == release.steps[-1].after.keys()


def test_the_server_is_asked_for_what_a_role_has_to_allow_and_no_more(release: Release) -> None:
    requests = [entry for step in release.steps for entry in step.requests]

    assert {(entry.verb, entry.resource, entry.subresource) for entry in requests} == {
        ("list", "rollouts", ""),
        ("get", "deployments", ""),
        ("get", "services", ""),
        ("get", "virtualservices", ""),
        ("list", "virtualservices", ""),
        ("list", "horizontalpodautoscalers", ""),
        ("list", "endpointslices", ""),
        ("patch", "rollouts", "status"),
        ("patch", "virtualservices", ""),
        ("patch", "deployments", ""),
        ("create", "events", ""),
        ("get", "events", ""),
        ("patch", "events", ""),
    }
    assert {entry.namespace for entry in requests} == {NAMESPACE}
    writes = [entry for entry in requests if entry.verb in {"patch", "create"}]
    assert all("fieldManager=steerer" in entry.uri for entry in writes)
    refused = [entry for entry in requests if entry.code >= 400]
    # A repeated message raises the count of its Event.
    assert {(entry.verb, entry.resource, entry.code) for entry in refused} == {("create", "events", 409)}


def test_a_step_is_stored_status_first_then_the_change_then_the_events(release: Release) -> None:
    status, route = ("patch", "rollouts/status"), ("patch", "virtualservices")
    deployment, event = ("patch", "deployments"), ("create", "events")
    by_move = {
        "start": [status, route, event, event],
        "advance": [status, route, event],
        "promote": [status, deployment, event],
        "conclude": [status, route],
        "retire": [status, deployment, status, event],
        "scale up": [status, deployment, event],
        "reset": [status, route, event],
        "idle": [],
    }
    for step in release.steps:
        if step.record["move"] != "halt":
            assert step.writes == by_move[step.record["move"]], step.move


def test_a_pass_at_rest_reads_the_rollout_and_its_canary(release: Release) -> None:
    [idle] = [step for step in release.steps if step.record["move"] == "idle"]

    assert [(entry.verb, entry.resource, entry.name) for entry in idle.requests] == [
        ("list", "rollouts", ""),
        ("get", "deployments", "podinfo-canary"),
    ]


def test_the_server_knows_what_steerer_wrote(release: Release) -> None:
    last = release.steps[-1].after

    def owned(name: str, subresource: str = "") -> dict[str, Any]:
        [entry] = [
            item
            for item in last[name]["metadata"]["managedFields"]
            if item["manager"] == "steerer" and item.get("subresource", "") == subresource
        ]
        fields: dict[str, Any] = entry["fieldsV1"]
        return fields

    assert owned(VS) == {"f:spec": {"f:http": {}}}
    assert owned(C) == {"f:spec": {"f:replicas": {}}}
    assert owned(P)["f:spec"].keys() == {"f:template"}
    assert owned(R, "status").keys() == {"f:status"}


# --- What holds a rollout up ---


def test_a_halt_holds_the_weight_and_writes_nothing_but_status_and_a_warning(release: Release) -> None:
    halts = [step for step in release.steps if step.record["move"] == "halt"]

    assert len(halts) == 14
    for step in halts:
        assert step.record["before"] == step.record["after"], step.record["reason"]
        assert [event["type"] for event in step.record["events"]] == ["Warning"]
        assert set(step.writes) <= {("patch", "rollouts/status"), ("create", "events"), ("patch", "events")}


def test_each_halt_says_what_is_in_the_way(release: Release) -> None:
    second = release.steps[release.marks["second"] :]
    said = [step.record["events"][0]["message"] for step in second if step.record["move"] == "halt"]

    scaled = "is being scaled by HorizontalPodAutoscaler podinfo-canary from 2 to 4 replicas"
    no_data = "no data (the query finds no series; is there traffic, and is it scraped?)"
    assert said == [
        f"Halt rollout podinfo.test Deployment podinfo-canary.test {scaled}",
        "Halt rollout podinfo.test Deployment podinfo-canary.test is paused",
        "Halt rollout podinfo.test Deployment podinfo.test is paused",
        *["Halt rollout podinfo.test success rate 50.00% < 99%"] * 3,
        f"Halt rollout podinfo.test success rate: {no_data}",
    ]


def test_a_warning_that_is_repeated_is_one_event_with_a_count(release: Release) -> None:
    [event] = [
        item for item in release.plane.events(NAMESPACE) if item["message"].endswith("success rate 50.00% < 99%")
    ]
    [shown] = [row for row in release.described["end"] if row[-1] == event["message"]]

    assert event["count"] == 3
    assert event["firstTimestamp"] < event["lastTimestamp"]
    assert event["involvedObject"]["uid"] == release.steps[0].before[R]["metadata"]["uid"]
    assert re.fullmatch(r"\d+s \(x3 over \d+s\)", shown[2])


# --- The next revision ---


def test_a_new_revision_starts_over_by_itself_from_a_canary_without_pods(release: Release) -> None:
    second = release.steps[release.marks["second"] :]
    said = [event["message"] for step in second for event in step.record["events"] if event["type"] == "Normal"]

    assert second[0].before[C]["spec"]["replicas"] == 0
    assert said == [
        "New revision detected! Scaling up podinfo-canary.test to 2",
        "Starting rollout for podinfo.test",
        "Advance rollout podinfo.test weight 10",
        "Advance rollout podinfo.test weight 100",
        "New revision detected! podinfo-canary.test changed, routing all traffic to podinfo.test to start over",
        "Starting rollout for podinfo.test",
        "Advance rollout podinfo.test weight 90",
        "Advance rollout podinfo.test weight 100",
        "Copying podinfo-canary.test template spec to podinfo.test",
        "Promotion complete! Scaling down podinfo-canary.test",
    ]


def test_the_next_revision_is_promoted_too(release: Release) -> None:
    last = release.steps[-1].after
    status = last[R]["status"]

    assert status["phase"] == "Succeeded"
    assert status["promotedRevision"] == status["canaryRevision"]
    assert status["canaryWeight"] == 0
    primary, canary = (last[name]["spec"]["template"] for name in (P, C))
    assert primary["spec"]["containers"][0]["image"].endswith(":1.2.3")
    assert primary["spec"] == canary["spec"]
    assert primary["metadata"]["annotations"] == canary["metadata"]["annotations"]  # of `kubectl rollout restart`
    assert (last[P]["spec"]["replicas"], last[C]["spec"]["replicas"]) == (2, 0)


# --- Several at once ---


def test_of_passes_at_once_each_step_is_made_by_one(control_plane: ControlPlane) -> None:
    with Metrics().serving() as metrics, ThreadPoolExecutor(6) as threads:
        steerer = started(control_plane, metrics, 5, step=5)
        mark = control_plane.mark()
        done = list(threads.map(lambda _: steerer.passes(), range(6)))

    # One that comes between the two writes of another one waits for it.
    assert {one.record["move"] for one in done} <= {"advance", "wait"}
    results = Counter(one.record["result"] for one in done if one.record["move"] == "advance")
    requests = of_steerer(control_plane.requests_since(mark))
    route = get(control_plane, "virtualservice/podinfo", steerer.namespace)["spec"]["http"][0]["route"]
    rollout = get(control_plane, "rollout/podinfo", steerer.namespace)

    assert results.keys() <= {"applied", "lost race"}
    made = results["applied"]
    assert made >= 1
    assert [end["weight"] for end in route] == [100 - 5 * (made + 1), 5 * (made + 1)]
    assert rollout["status"]["canaryWeight"] == 5 * (made + 1)
    stored = Counter(entry.resource for entry in requests if entry.verb in {"patch", "create"} and entry.code < 300)
    assert (stored["virtualservices"], stored["events"]) == (made, made)
