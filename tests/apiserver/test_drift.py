"""Two who write the same fields, on a real API server: who wrote what, in order, is read from its audit log.

GitOps tools are played by `kubectl apply --server-side --force-conflicts` under their field managers, which is what
they send; people by `kubectl` under its own name. What a pass makes of it is told in docs/operations.md.
"""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

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
)
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
class Fight:
    """The example in a namespace of its own, what Git says of it, and all who write."""

    plane: ControlPlane
    steerer: Steerer
    metrics: Metrics
    git: dict[str, Manifest]
    mark: int = 0

    # Who writes.

    def sync(self, manager: str, *names: str) -> None:
        """Apply what Git says of these objects, whatever is there."""
        items = {"apiVersion": "v1", "kind": "List", "items": [self.git[name] for name in names]}
        by = ("--server-side", "--force-conflicts", f"--field-manager={manager}")
        self.plane.kubectl("apply", *by, "-f", "-", stdin=json.dumps(items), namespace=self.steerer.namespace)

    def sync_drifted(self, manager: str, name: str) -> None:
        """Apply what Git says of an object, but only where the server's differs from it."""
        if not agrees(self.git[name]["spec"], self.stored(name)["spec"]):
            self.sync(manager, name)

    def kubectl(self, *args: str) -> str:
        """Do something by hand."""
        return self.plane.kubectl(*args, namespace=self.steerer.namespace)

    def weigh(self, weight: int) -> None:
        """Move the weights by hand: `kubectl edit` sends such a patch, under this name."""
        http = self.stored("virtualservice")["spec"]["http"]
        for end in http[-1]["route"]:
            end["weight"] = weight if end["destination"]["host"] == "podinfo-canary" else 100 - weight
        patch = json.dumps({"spec": {"http": http}})
        self.kubectl("patch", "virtualservice/podinfo", "--type=merge", "--field-manager=kubectl-edit", "-p", patch)

    def release(self, tag: str) -> None:
        """Release an image, in Git as well."""
        self.git["canary"]["spec"]["template"]["spec"]["containers"][0]["image"] = image(tag)
        self.sync(FLUX, "canary")
        self.settle("podinfo-canary")

    def passed(self) -> dict[str, Any]:
        """Make one pass and give its record."""
        return self.steerer.passes().record

    def settle(self, *names: str) -> None:
        """Wait for the controllers."""
        rolled_out(self.plane, self.steerer.namespace, *names)

    # What is there.

    def stored(self, name: str) -> Manifest:
        """Give an object by its name in Git."""
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
        """Tell who wrote an object of this kind since the last time of asking, in order, and what they made of it.

        Of a VirtualService that is the canary's weight, of a Deployment its image and size. A write that was refused
        made nothing of it.
        """
        entries, self.mark = self.plane.requests_since(self.mark), self.plane.mark()
        return [
            (field_manager(entry), made_of(entry))
            for entry in entries
            if (entry.resource, entry.namespace) == (resource, self.steerer.namespace)
            and entry.verb in {"patch", "update", "create"}
            and not entry.subresource
            and entry.code < 300
        ]

    def warnings(self) -> list[str]:
        """Give the Warnings, the oldest first; one that was repeated as often as it was counted."""
        events = json.loads(self.kubectl("get", "events", "-o", "json"))["items"]
        told = [item for item in events if item["type"] == "Warning" and item["source"].get("component") == "steerer"]
        return [item["message"] for item in told for _ in range(item["count"])]

    def repairs(self) -> list[str]:
        """Give what the Warnings say of repaired weights, sorted."""
        told = [message.partition(" canary weight was put back to ") for message in self.warnings()]
        return sorted(rest.partition(";")[0] for _, found, rest in told if found)


def image(tag: str) -> str:
    return f"quay.io/stefanprodan/podinfo:{tag}"


def agrees(wanted: Any, found: Any) -> bool:
    """Say whether all that Git says is so; what the server adds does not matter."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return all(key in found and agrees(value, found[key]) for key, value in wanted.items())
    if isinstance(wanted, list) and isinstance(found, list):
        return len(wanted) == len(found) and all(map(agrees, wanted, found))
    return bool(wanted == found)


def field_manager(entry: AuditEntry) -> str:
    return parse_qs(urlsplit(entry.uri).query)["fieldManager"][0]


def made_of(entry: AuditEntry) -> Any:
    if isinstance(entry.body, list):  # a JSON patch: what it sets last
        return entry.body[-1]["value"]
    spec = entry.body["spec"]
    if "http" in spec:
        return next(end["weight"] for end in spec["http"][-1]["route"] if end["destination"]["host"] != "podinfo")
    return spec["template"]["spec"]["containers"][0]["image"], spec.get("replicas")


@pytest.fixture
def fight(control_plane: ControlPlane, namespace: str) -> Iterator[Fight]:
    """Give the example, owned by Flux, with a new image in the canary; two steps lead to the end."""
    install(control_plane, namespace, stepWeight=50)
    files = {"primary": "deployment", "canary": "deployment-canary", "virtualservice": "virtual-service"}
    git = {name: yaml.safe_load((ARTIFACTS / "workloads" / f"{file}.yaml").read_text()) for name, file in files.items()}
    for item in git.values():
        item["metadata"] = {"name": item["metadata"]["name"], "namespace": namespace}
    with Metrics().serving() as metrics:
        kubeconfig = control_plane.kubeconfig_for(control_plane.token, namespace=namespace)
        steerer = Steerer(kubeconfig=kubeconfig, metrics=metrics.url, namespace=namespace)
        story = Fight(plane=control_plane, steerer=steerer, metrics=metrics, git=git)
        story.sync(FLUX, *git)
        story.release("1.2.2")
        story.mark = control_plane.mark()
        yield story


# --- The weights ---


def test_two_tools_fight_before_every_pass_and_the_release_ends(fight: Fight) -> None:
    moves = []
    for number in range(9):
        record = fight.passed()
        moves.append((record["move"], record["after"]["weight"]))
        fight.settle("podinfo", "podinfo-canary")
        fight.sync(ARGO if number % 2 else FLUX, "virtualservice")

    assert moves == [
        ("start", 50),
        ("restore", 50),
        ("advance", 100),
        ("promote", 0),
        ("conclude", 0),
        ("retire", 0),
        *[("idle", None)] * 3,
    ]
    assert fight.writes("virtualservices") == [
        ("steerer", 50),
        (FLUX, 0),
        ("steerer", 50),
        (ARGO, 0),
        ("steerer", 100),
        (FLUX, 0),
        *[(ARGO, 0), (FLUX, 0)] * 3,  # nothing is left to be done about the weights
    ]
    assert fight.repairs() == [f"0 by {ARGO}, restoring 100", f"0 by {FLUX}, restoring 50"]
    assert fight.stored("primary")["spec"]["template"]["spec"]["containers"][0]["image"] == image("1.2.2")
    assert fight.stored("canary")["spec"]["replicas"] == 0


def test_a_tool_that_applies_only_what_differs_loses_as_well(fight: Fight) -> None:
    moves: list[str] = []
    while not moves or moves[-1] != "idle":
        moves.append(fight.passed()["move"])
        fight.settle("podinfo", "podinfo-canary")
        fight.sync_drifted(FLUX, "virtualservice")

    assert moves == ["start", "restore", "advance", "promote", "conclude", "retire", "idle"]
    assert fight.writes("virtualservices") == [("steerer", 50), (FLUX, 0)] * 2 + [("steerer", 100), (FLUX, 0)]


def test_a_tool_that_comes_now_and_then_costs_a_pass_each_time(fight: Fight) -> None:
    moves = [fight.passed()["move"]]
    fight.sync(FLUX, "virtualservice")
    moves += [fight.passed()["move"] for _ in range(2)]
    fight.sync(ARGO, "virtualservice")
    moves += [fight.passed()["move"] for _ in range(3)]
    fight.settle("podinfo")
    moves += [fight.passed()["move"] for _ in range(2)]

    assert moves == ["start", "restore", "advance", "restore", "advance", "promote", "conclude", "retire"]
    assert fight.writes("virtualservices") == [
        ("steerer", 50),
        (FLUX, 0),
        ("steerer", 50),
        ("steerer", 100),
        (ARGO, 0),
        ("steerer", 50),
        ("steerer", 100),
        ("steerer", 0),
    ]
    assert fight.repairs() == [f"0 by {ARGO}, restoring 50", f"0 by {FLUX}, restoring 50"]


def test_what_else_comes_from_git_in_a_fight_stays(fight: Fight) -> None:
    fight.passed()
    spec = fight.git["virtualservice"]["spec"]
    front = {"match": [{"uri": {"prefix": "/status"}}], "route": [{"destination": {"host": "podinfo"}}]}
    spec["http"] = [front, spec["http"][0] | {"timeout": "7s", "retries": {"attempts": 2}}]
    fight.sync(FLUX, "virtualservice")

    assert (fight.passed()["move"], fight.weight) == ("restore", 50)
    wanted = deepcopy(spec)
    wanted["http"][1]["route"][0]["weight"] = wanted["http"][1]["route"][1]["weight"] = 50
    assert fight.stored("virtualservice")["spec"] == wanted


def test_applying_what_is_stored_changes_nothing(fight: Fight) -> None:
    fight.passed()
    [live] = fight.stored("virtualservice")["spec"]["http"]
    fight.git["virtualservice"]["spec"]["http"] = [live]
    fight.sync(FLUX, "virtualservice")

    assert (fight.passed()["move"], fight.weight) == ("advance", 100)
    assert fight.warnings() == []


class Meanwhile:
    """A cluster in which something happens before the first write to an object of this kind."""

    width = 1

    def __init__(self, cluster: Cluster, kind: Kind, happens: Callable[[], None]) -> None:
        self._cluster = cluster
        self._due = {kind: happens}

    def list(self, kind: Kind, scope: Scope) -> Sequence[Manifest]:
        """Pass it on."""
        return self._cluster.list(kind, scope)

    def fetch(self, refs: Collection[Ref]) -> Mapping[Ref, Manifest | ClusterError]:
        """Pass it on."""
        return self._cluster.fetch(refs)

    def unchanged(self, known: Mapping[Ref, Version]) -> Collection[Ref]:
        """Pass it on."""
        return self._cluster.unchanged(known)

    def patch(self, patch: Patch) -> None:
        """Let it happen, if it is due, and pass the write on."""
        self._due.pop(patch.target.kind, lambda: None)()
        self._cluster.patch(patch)

    def record(self, event: Event, at: datetime) -> None:
        """Pass it on."""
        self._cluster.record(event, at)


def pass_while(fight: Fight, kind: Kind, happens: Callable[[], None]) -> tuple[str, Result]:
    """Make a pass in which something happens before its write to an object of this kind."""
    with connect(str(fight.steerer.kubeconfig), None) as cluster:
        one = Pass(
            cluster=Meanwhile(cluster, kind, happens),
            meter=FixedMeter(**{SUCCESS: 100.0, DURATION: 150.0}),
            settings=Settings(interval=0, metrics=METRICS),
            selection=Selection(namespaces=(fight.steerer.namespace,)),
            now=lambda: datetime.now(UTC),
        )
        [record] = one.run()
    return record.plan.move, record.result


def test_a_tool_between_the_status_and_the_weight_costs_the_step_and_not_the_release(fight: Fight) -> None:
    fight.passed()
    lost = pass_while(fight, VIRTUAL_SERVICE, lambda: fight.sync(FLUX, "virtualservice"))

    assert lost == ("advance", Result.LOST_RACE)
    assert fight.weight == 0
    # 100 is on record and was never stored: what the canary had is restored, and it is measured before it has more.
    assert [(fight.passed()["move"], fight.weight) for _ in range(2)] == [("restore", 50), ("advance", 100)]
    assert fight.writes("virtualservices") == [("steerer", 50), (FLUX, 0), ("steerer", 50), ("steerer", 100)]


# --- The weights, and a person ---


def test_the_weight_of_a_person_is_not_taken_for_drift_though_a_tool_applies_it_too(fight: Fight) -> None:
    fight.passed()
    fight.metrics.values[SUCCESS] = "50"
    fight.weigh(0)
    fight.sync(FLUX, "virtualservice")
    owners = [entry["manager"] for entry in fight.stored("virtualservice")["metadata"]["managedFields"]]
    assert {"kubectl-edit", FLUX} <= set(owners)

    assert (fight.passed()["move"], fight.weight) == ("start", 50)  # as the page says: paused first, it stays at 0
    assert fight.warnings() == []


@pytest.mark.parametrize("by", ["kubectl-edit", "a tool of our own"])
def test_a_person_who_pauses_and_takes_all_traffic_off_is_never_undone(fight: Fight, by: str) -> None:
    fight.passed()
    fight.kubectl("rollout", "pause", "deployment/podinfo-canary")
    if by == "kubectl-edit":
        fight.weigh(0)
    else:
        fight.sync(by, "virtualservice")
    halts = [fight.passed()["move"]]
    # Flux makes the fields of kubectl its own with the next change that it applies, whoever wrote them.
    fight.git["virtualservice"]["spec"]["http"][0]["timeout"] = "7s"
    for manager in (FLUX, ARGO, FLUX):
        fight.sync(manager, "virtualservice")
        halts.append(fight.passed()["move"])
    fight.kubectl("rollout", "resume", "deployment/podinfo-canary")
    fight.settle("podinfo-canary")

    assert halts == ["halt"] * 4
    assert fight.writes("virtualservices") == [("steerer", 50), (by, 0), (FLUX, 0), (ARGO, 0), (FLUX, 0)]
    record = fight.passed()
    assert (record["move"], record["events"][0]["message"]) == (
        "start",
        f"Starting rollout for podinfo.{fight.steerer.namespace}",
    )
    assert fight.repairs() == []


# --- The primary's template ---


def promoted(fight: Fight) -> None:
    """Release as far as the copy."""
    assert [fight.passed()["move"] for _ in range(3)] == ["start", "advance", "promote"]
    fight.settle("podinfo")


@pytest.mark.parametrize("manager", [FLUX, ARGO])
def test_a_template_put_back_after_the_promotion_halts_and_is_not_fought_over(fight: Fight, manager: str) -> None:
    promoted(fight)
    fight.sync(manager, "primary")
    fight.settle("podinfo")
    halts = [fight.passed() for _ in range(3)]

    assert [record["move"] for record in halts] == ["halt"] * 3
    said = [record["events"][0]["message"] for record in halts]
    assert all(f"was changed by {manager} after the promotion" in message for message in said)
    assert fight.writes("deployments") == [
        ("steerer", fight.stored("canary")["spec"]["template"] | {"metadata": {"labels": {"app": "podinfo"}}}),
        (manager, (image("1.2.0"), 2)),
    ]
    assert fight.weight == 100

    fight.git["primary"]["spec"]["template"]["spec"]["containers"][0]["image"] = image("1.2.2")
    fight.sync(manager, "primary")
    fight.settle("podinfo")
    assert [fight.passed()["move"] for _ in range(3)] == ["conclude", "retire", "idle"]
    assert [who for who, _ in fight.writes("deployments")] == [manager, "steerer"]


def test_a_template_that_is_applied_before_the_copy_is_copied_over(fight: Fight) -> None:
    assert [fight.passed()["move"] for _ in range(2)] == ["start", "advance"]
    fight.sync(FLUX, "primary")
    lost = pass_while(fight, DEPLOYMENT, lambda: fight.sync(FLUX, "primary"))

    assert lost == ("promote", Result.APPLIED)  # nothing was changed by it
    fight.settle("podinfo")
    assert [fight.passed()["move"] for _ in range(2)] == ["conclude", "retire"]


# --- The canary's size ---


def test_a_size_put_back_after_the_end_stays_and_is_idle(fight: Fight) -> None:
    promoted(fight)
    assert [fight.passed()["move"] for _ in range(2)] == ["conclude", "retire"]
    fight.sync(FLUX, "canary")
    fight.settle("podinfo-canary")
    mark = fight.plane.mark()

    assert [fight.passed()["move"] for _ in range(2)] == ["idle"] * 2
    asked = of_steerer(fight.plane.requests_since(mark))
    assert {entry.verb for entry in asked} == {"list", "get"}
    assert fight.stored("canary")["spec"]["replicas"] == 2


def test_a_size_of_0_put_back_halts_under_traffic_and_is_made_good_before(fight: Fight) -> None:
    fight.passed()
    fight.git["canary"]["spec"]["replicas"] = 0
    fight.sync(FLUX, "canary")
    fight.settle("podinfo-canary")
    under_traffic = fight.passed()
    assert (under_traffic["move"], fight.weight) == ("halt", 50)
    assert under_traffic["reason"].endswith("is scaled to 0 replicas")

    fight.release("1.2.3")  # still without pods
    assert [fight.passed()["move"] for _ in range(2)] == ["reset", "scale up"]
    fight.sync(FLUX, "canary")
    again = fight.passed()
    fight.settle("podinfo-canary")
    assert (again["move"], fight.passed()["move"]) == ("scale up", "start")
    assert "Scaling up podinfo-canary" in again["events"][0]["message"]
    assert fight.writes("deployments") == [
        (FLUX, (image("1.2.2"), 0)),
        (FLUX, (image("1.2.3"), 0)),
        ("steerer", 2),
        (FLUX, (image("1.2.3"), 0)),
        ("steerer", 2),
    ]
