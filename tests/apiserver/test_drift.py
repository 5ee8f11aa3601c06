"""Two writers of the same fields, on a real API server: the audit log shows the writes of each, in order.

A server-side apply with the field manager of a GitOps tool stands for that tool, which sends the same; a patch with a
field manager of kubectl for a person. docs/operations.md describes what a pass does.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from reconcile.clusters.kube.cluster import connect
from reconcile.engine.one_pass import Pass
from reconcile.engine.selection import Selection
from reconcile.model.kinds import DEPLOYMENT, VIRTUAL_SERVICE
from reconcile.model.plan import Result
from reconcile.model.settings import Settings
from tests.apiserver.steering import (
    ARTIFACTS,
    DURATION,
    SUCCESS,
    Metrics,
    Steerer,
    get,
    install,
    of_steerer,
    rolled_out,
    server_side_apply,
)
from tests.support import fast_yaml
from tests.support.fakes import FixedMeter
from tests.support.world import METRICS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from reconcile.model.errors import ClusterError
    from reconcile.model.kinds import Kind, Manifest, Ref, Scope, Version
    from reconcile.model.plan import Event, Patch
    from reconcile.model.ports import Cluster
    from tests.components.audit import AuditEntry
    from tests.components.controlplane import ControlPlane

FLUX, ARGO = "kustomize-controller", "argocd-controller"


@dataclass(kw_only=True)
class Example:
    """The example in its own namespace, its manifests in Git, and all its writers."""

    plane: ControlPlane
    steerer: Steerer
    metrics: Metrics
    git: dict[str, Manifest]
    mark: int = 0

    # The writers.

    def sync(self, manager: str, *names: str) -> None:
        """Applies the manifests of these objects."""
        manifests = [self.git[name] for name in names]
        server_side_apply(self.plane, self.steerer.namespace, manifests, manager=manager)

    def sync_drifted(self, manager: str, name: str) -> None:
        """Applies the manifest of an object if the live one differs from it."""
        if not agrees(self.git[name]["spec"], self.stored(name)["spec"]):
            self.sync(manager, name)

    def pause_canary(self, *, paused: bool) -> None:
        """Pauses or resumes the canary's Deployment, as `kubectl rollout` does."""
        change = {"spec": {"paused": paused}}
        self.plane.patch("deployment/podinfo-canary", self.steerer.namespace, change, manager="kubectl-rollout")

    def move_weights(self, weight: int) -> None:
        """Moves the weights as `kubectl edit` does, with its field manager."""
        http = self.stored("virtualservice")["spec"]["http"]
        for end in http[-1]["route"]:
            end["weight"] = weight if end["destination"]["host"] == "podinfo-canary" else 100 - weight
        change = {"spec": {"http": http}}
        self.plane.patch("virtualservice/podinfo", self.steerer.namespace, change, manager="kubectl-edit")

    def release(self, tag: str) -> None:
        """Releases an image, in Git and in the cluster."""
        self.git["canary"]["spec"]["template"]["spec"]["containers"][0]["image"] = image(tag)
        self.sync(FLUX, "canary")
        self.settle("podinfo-canary")

    def run_pass(self) -> dict[str, Any]:
        """Makes one pass; returns its record."""
        return self.steerer.passes().record

    def settle(self, *names: str) -> None:
        """Waits until Deployments are rolled out."""
        rolled_out(self.plane, self.steerer.namespace, *names)

    # What is stored.

    def stored(self, name: str) -> Manifest:
        """Returns a live object by its name in `git`."""
        item = self.git[name]
        return get(self.plane, f"{item['kind'].lower()}/{item['metadata']['name']}", self.steerer.namespace)

    @property
    def weight(self) -> int:
        """The canary's weight."""
        [weight] = [
            end["weight"]
            for end in self.stored("virtualservice")["spec"]["http"][-1]["route"]
            if end["destination"]["host"] == "podinfo-canary"
        ]
        return int(weight)

    def writes(self, resource: str) -> list[tuple[str, Any]]:
        """Returns the writers of an object of this kind since the last call, in order, and the values that they wrote.

        The value of a VirtualService is the canary's weight, that of a Deployment its image and replicas. Refused
        writes are left out.
        """
        entries, self.mark = self.plane.requests_since(self.mark), self.plane.mark()
        return [
            (field_manager(entry), written_value(entry))
            for entry in entries
            if (entry.resource, entry.namespace) == (resource, self.steerer.namespace)
            and entry.verb in {"patch", "update", "create"}
            and not entry.subresource
            and entry.code < 300
        ]

    def warnings(self) -> list[str]:
        """Returns the Warnings, the oldest first; a repeated one as often as its count."""
        events = self.plane.events(self.steerer.namespace)
        found = [item for item in events if item["type"] == "Warning" and item["source"].get("component") == "steerer"]
        return [item["message"] for item in found for _ in range(item["count"])]

    def repairs(self) -> list[str]:
        """Returns the repaired weights in the Warnings, sorted."""
        messages = [message.partition(" canary weight was put back to ") for message in self.warnings()]
        return sorted(rest.partition(";")[0] for _, found, rest in messages if found)


def image(tag: str) -> str:
    return f"quay.io/stefanprodan/podinfo:{tag}"


def agrees(wanted: Any, found: Any) -> bool:
    """Returns whether the live object has all that its manifest declares."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return all(key in found and agrees(value, found[key]) for key, value in wanted.items())
    if isinstance(wanted, list) and isinstance(found, list):
        return len(wanted) == len(found) and all(map(agrees, wanted, found))
    return bool(wanted == found)


def field_manager(entry: AuditEntry) -> str:
    return parse_qs(urlsplit(entry.uri).query)["fieldManager"][0]


def written_value(entry: AuditEntry) -> Any:
    if isinstance(entry.body, list):  # a JSON patch: its last value
        return entry.body[-1]["value"]
    spec = entry.body["spec"]
    if "http" in spec:
        return next(end["weight"] for end in spec["http"][-1]["route"] if end["destination"]["host"] != "podinfo")
    return spec["template"]["spec"]["containers"][0]["image"], spec.get("replicas")


@pytest.fixture
def example(control_plane: ControlPlane, namespace: str) -> Iterator[Example]:
    """Yields the example, owned by Flux, with a new image in the canary; it takes two steps."""
    install(control_plane, namespace, stepWeight=50)
    files = {"primary": "deployment", "canary": "deployment-canary", "virtualservice": "virtual-service"}
    git = {name: fast_yaml.load((ARTIFACTS / "workloads" / f"{file}.yaml").read_text()) for name, file in files.items()}
    for item in git.values():
        item["metadata"] = {"name": item["metadata"]["name"], "namespace": namespace}
    with Metrics().serving() as metrics:
        kubeconfig = control_plane.kubeconfig_for(control_plane.token, namespace=namespace)
        steerer = Steerer(kubeconfig=kubeconfig, metrics=metrics.url, namespace=namespace)
        example = Example(plane=control_plane, steerer=steerer, metrics=metrics, git=git)
        example.sync(FLUX, *git)
        example.release("1.2.2")
        example.mark = control_plane.mark()
        yield example


# --- The weights ---


def test_two_tools_fight_before_every_pass_and_the_release_ends(example: Example) -> None:
    moves = []
    for number in range(9):
        record = example.run_pass()
        moves.append((record["move"], record["after"]["weight"]))
        example.settle("podinfo", "podinfo-canary")
        example.sync(ARGO if number % 2 else FLUX, "virtualservice")

    assert moves == [
        ("start", 50),
        ("restore", 50),
        ("advance", 100),
        ("promote", 0),
        ("conclude", 0),
        ("retire", 0),
        *[("idle", None)] * 3,
    ]
    assert example.writes("virtualservices") == [
        ("steerer", 50),
        (FLUX, 0),
        ("steerer", 50),
        (ARGO, 0),
        ("steerer", 100),
        (FLUX, 0),
        *[(ARGO, 0), (FLUX, 0)] * 3,  # then no writer changes the weights
    ]
    assert example.repairs() == [f"0 by {ARGO}, restoring 100", f"0 by {FLUX}, restoring 50"]
    assert example.stored("primary")["spec"]["template"]["spec"]["containers"][0]["image"] == image("1.2.2")
    assert example.stored("canary")["spec"]["replicas"] == 0


def test_a_tool_that_applies_only_what_differs_loses_as_well(example: Example) -> None:
    moves: list[str] = []
    while not moves or moves[-1] != "idle":
        moves.append(example.run_pass()["move"])
        example.settle("podinfo", "podinfo-canary")
        example.sync_drifted(FLUX, "virtualservice")

    assert moves == ["start", "restore", "advance", "promote", "conclude", "retire", "idle"]
    assert example.writes("virtualservices") == [("steerer", 50), (FLUX, 0)] * 2 + [("steerer", 100), (FLUX, 0)]


def test_a_tool_that_comes_now_and_then_costs_a_pass_each_time(example: Example) -> None:
    moves = [example.run_pass()["move"]]
    example.sync(FLUX, "virtualservice")
    moves += [example.run_pass()["move"] for _ in range(2)]
    example.sync(ARGO, "virtualservice")
    moves += [example.run_pass()["move"] for _ in range(3)]
    example.settle("podinfo")
    moves += [example.run_pass()["move"] for _ in range(2)]

    assert moves == ["start", "restore", "advance", "restore", "advance", "promote", "conclude", "retire"]
    assert example.writes("virtualservices") == [
        ("steerer", 50),
        (FLUX, 0),
        ("steerer", 50),
        ("steerer", 100),
        (ARGO, 0),
        ("steerer", 50),
        ("steerer", 100),
        ("steerer", 0),
    ]
    assert example.repairs() == [f"0 by {ARGO}, restoring 50", f"0 by {FLUX}, restoring 50"]


def test_what_else_comes_from_git_in_a_fight_stays(example: Example) -> None:
    example.run_pass()
    spec = example.git["virtualservice"]["spec"]
    front = {"match": [{"uri": {"prefix": "/status"}}], "route": [{"destination": {"host": "podinfo"}}]}
    spec["http"] = [front, spec["http"][0] | {"timeout": "7s", "retries": {"attempts": 2}}]
    example.sync(FLUX, "virtualservice")

    assert (example.run_pass()["move"], example.weight) == ("restore", 50)
    wanted = deepcopy(spec)
    wanted["http"][1]["route"][0]["weight"] = wanted["http"][1]["route"][1]["weight"] = 50
    assert example.stored("virtualservice")["spec"] == wanted


def test_applying_what_is_stored_changes_nothing(example: Example) -> None:
    example.run_pass()
    [live] = example.stored("virtualservice")["spec"]["http"]
    example.git["virtualservice"]["spec"]["http"] = [live]
    example.sync(FLUX, "virtualservice")

    assert (example.run_pass()["move"], example.weight) == ("advance", 100)
    assert example.warnings() == []


class InterruptedCluster:
    """A cluster in which `happens` is called before the first write to an object of this kind."""

    width = 1

    def __init__(self, cluster: Cluster, kind: Kind, happens: Callable[[], None]) -> None:
        self._cluster = cluster
        self._due = {kind: happens}

    def list(self, kind: Kind, scope: Scope) -> Sequence[Manifest]:
        """Calls the cluster."""
        return self._cluster.list(kind, scope)

    def fetch(self, refs: Collection[Ref]) -> Mapping[Ref, Manifest | ClusterError]:
        """Calls the cluster."""
        return self._cluster.fetch(refs)

    def unchanged(self, known: Mapping[Ref, Version]) -> Collection[Ref]:
        """Calls the cluster."""
        return self._cluster.unchanged(known)

    def patch(self, patch: Patch) -> None:
        """Calls `happens` before the first write, then the cluster."""
        self._due.pop(patch.target.kind, lambda: None)()
        self._cluster.patch(patch)

    def record(self, event: Event, at: datetime) -> None:
        """Calls the cluster."""
        self._cluster.record(event, at)


def run_pass_during(example: Example, kind: Kind, happens: Callable[[], None]) -> tuple[str, Result]:
    """Makes a pass in which `happens` is called before its write to an object of this kind."""
    with connect(str(example.steerer.kubeconfig), None) as cluster:
        one = Pass(
            cluster=InterruptedCluster(cluster, kind, happens),
            meter=FixedMeter(**{SUCCESS: 100.0, DURATION: 150.0}),
            settings=Settings(interval=0, metrics=METRICS),
            selection=Selection(namespaces=(example.steerer.namespace,)),
            now=lambda: datetime.now(UTC),
        )
        [record] = one.run()
    return record.plan.move, record.result


def test_a_tool_between_the_status_and_the_weight_costs_the_step_and_not_the_release(example: Example) -> None:
    example.run_pass()
    lost = run_pass_during(example, VIRTUAL_SERVICE, lambda: example.sync(FLUX, "virtualservice"))

    assert lost == ("advance", Result.LOST_RACE)
    assert example.weight == 0
    # 100 is on record but was never stored: the pass restores the stored weight, and measures before it adds more.
    assert [(example.run_pass()["move"], example.weight) for _ in range(2)] == [("restore", 50), ("advance", 100)]
    assert example.writes("virtualservices") == [("steerer", 50), (FLUX, 0), ("steerer", 50), ("steerer", 100)]


# --- The weights, and a person ---


def test_the_weight_of_a_person_is_not_taken_for_drift_though_a_tool_applies_it_too(example: Example) -> None:
    example.run_pass()
    example.metrics.values[SUCCESS] = "50"
    example.move_weights(0)
    example.sync(FLUX, "virtualservice")
    owners = [entry["manager"] for entry in example.stored("virtualservice")["metadata"]["managedFields"]]
    assert {"kubectl-edit", FLUX} <= set(owners)

    assert (example.run_pass()["move"], example.weight) == (
        "start",
        50,
    )  # docs/operations.md: paused first, it stays at 0
    assert example.warnings() == []


@pytest.mark.parametrize("by", ["kubectl-edit", "a tool of our own"])
def test_a_person_who_pauses_and_takes_all_traffic_off_is_never_undone(example: Example, by: str) -> None:
    example.run_pass()
    example.pause_canary(paused=True)
    if by == "kubectl-edit":
        example.move_weights(0)
    else:
        example.sync(by, "virtualservice")
    halts = [example.run_pass()["move"]]
    # With the next change that it applies, Flux becomes the owner of the fields of kubectl.
    example.git["virtualservice"]["spec"]["http"][0]["timeout"] = "7s"
    for manager in (FLUX, ARGO, FLUX):
        example.sync(manager, "virtualservice")
        halts.append(example.run_pass()["move"])
    example.pause_canary(paused=False)
    example.settle("podinfo-canary")

    assert halts == ["halt"] * 4
    assert example.writes("virtualservices") == [("steerer", 50), (by, 0), (FLUX, 0), (ARGO, 0), (FLUX, 0)]
    record = example.run_pass()
    assert (record["move"], record["events"][0]["message"]) == (
        "start",
        f"Starting rollout for podinfo.{example.steerer.namespace}",
    )
    assert example.repairs() == []


# --- The primary's template ---


def promoted(example: Example) -> None:
    """Makes passes until the next one is the copy."""
    assert [example.run_pass()["move"] for _ in range(3)] == ["start", "advance", "promote"]
    example.settle("podinfo")


@pytest.mark.parametrize("manager", [FLUX, ARGO])
def test_a_template_put_back_after_the_promotion_halts_and_is_not_fought_over(example: Example, manager: str) -> None:
    promoted(example)
    example.sync(manager, "primary")
    example.settle("podinfo")
    halts = [example.run_pass() for _ in range(3)]

    assert [record["move"] for record in halts] == ["halt"] * 3
    said = [record["events"][0]["message"] for record in halts]
    assert all(f"was changed by {manager} after the promotion" in message for message in said)
    assert example.writes("deployments") == [
        ("steerer", example.stored("canary")["spec"]["template"] | {"metadata": {"labels": {"app": "podinfo"}}}),
        (manager, (image("1.2.0"), 2)),
    ]
    assert example.weight == 100

    example.git["primary"]["spec"]["template"]["spec"]["containers"][0]["image"] = image("1.2.2")
    example.sync(manager, "primary")
    example.settle("podinfo")
    assert [example.run_pass()["move"] for _ in range(3)] == ["conclude", "retire", "idle"]
    assert [who for who, _ in example.writes("deployments")] == [manager, "steerer"]


def test_a_template_that_is_applied_before_the_copy_is_copied_over(example: Example) -> None:
    assert [example.run_pass()["move"] for _ in range(2)] == ["start", "advance"]
    example.sync(FLUX, "primary")
    lost = run_pass_during(example, DEPLOYMENT, lambda: example.sync(FLUX, "primary"))

    assert lost == ("promote", Result.APPLIED)  # it changed nothing
    example.settle("podinfo")
    assert [example.run_pass()["move"] for _ in range(2)] == ["conclude", "retire"]


# --- The canary's size ---


def test_a_size_put_back_after_the_end_stays_and_is_idle(example: Example) -> None:
    promoted(example)
    assert [example.run_pass()["move"] for _ in range(2)] == ["conclude", "retire"]
    example.sync(FLUX, "canary")
    example.settle("podinfo-canary")
    mark = example.plane.mark()

    assert [example.run_pass()["move"] for _ in range(2)] == ["idle"] * 2
    asked = of_steerer(example.plane.requests_since(mark))
    assert {entry.verb for entry in asked} == {"list", "get"}
    assert example.stored("canary")["spec"]["replicas"] == 2


def test_a_size_of_0_put_back_halts_under_traffic_and_is_made_good_before(example: Example) -> None:
    example.run_pass()
    example.git["canary"]["spec"]["replicas"] = 0
    example.sync(FLUX, "canary")
    example.settle("podinfo-canary")
    under_traffic = example.run_pass()
    assert (under_traffic["move"], example.weight) == ("halt", 50)
    assert under_traffic["reason"].endswith("is scaled to 0 replicas")

    example.release("1.2.3")  # still without pods
    assert [example.run_pass()["move"] for _ in range(2)] == ["reset", "scale up"]
    example.sync(FLUX, "canary")
    again = example.run_pass()
    example.settle("podinfo-canary")
    assert (again["move"], example.run_pass()["move"]) == ("scale up", "start")
    assert "Scaling up podinfo-canary" in again["events"][0]["message"]
    assert example.writes("deployments") == [
        (FLUX, (image("1.2.2"), 0)),
        (FLUX, (image("1.2.3"), 0)),
        ("steerer", 2),
        (FLUX, (image("1.2.3"), 0)),
        ("steerer", 2),
    ]
