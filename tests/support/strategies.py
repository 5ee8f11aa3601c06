"""Random worlds for the laws: first a coherent one, at any point of a release, then a few mishaps.

Only builders. What has to hold in every one of these worlds stands in `test_laws`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from hypothesis import strategies as st
from msgspec import Struct, field
from msgspec.structs import replace

from reconcile.core.promotion import identity_of, promoted_template
from reconcile.engine.one_pass import Pass
from reconcile.engine.selection import Selection
from reconcile.model import objects
from reconcile.model import service as services_model
from reconcile.model.errors import ClusterError, ForbiddenError, UnreachableError
from reconcile.model.kinds import AUTOSCALER, ROLLOUT, Kind, Manifest, Ref, Scope
from reconcile.model.measurement import Asks, Failure
from reconcile.model.settings import Settings
from reconcile.model.template_hash import revision
from tests.support.fakes import FixedMeter, MemoryCluster, ref_of
from tests.support.gateway_routes import HR, backend, http_route, said
from tests.support.json_values import copied
from tests.support.world import (
    CS,
    DURATION,
    METRICS,
    PS,
    START,
    SUCCESS,
    VS,
    C,
    P,
    R,
    autoscaler,
    deployment,
    rollout,
    service,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from reconcile.model.measurement import Answer, Question
    from reconcile.model.plan import Patch

T = TypeVar("T")


class Pick(Protocol):
    """Chooses one of several options, for the builders."""

    def __call__(self, options: Sequence[T]) -> T:
        """Returns one of the options."""
        ...


GOOD = {SUCCESS: 99.9, DURATION: 20.0}
IMAGES = ("1.2.0", "1.2.1", "1.3.0")
GITOPS, PEOPLE = ("argocd-controller", "kustomize-controller"), ("kubectl-edit", "steerer")
PRIMARY_HOST, CANARY_HOST = "podinfo", "podinfo-canary"
SPELLINGS = ("{}", "{}", "{}.test", "{}.test.svc", "{}.test.svc.cluster.local")
# Moments before and after the pass, in seconds.
MOMENTS = (-86_400, -600, -300, -61, -60, -46, -44, -1, 20)


class Server(MemoryCluster):
    """A cluster in memory that also keeps `managedFields`, refuses to list, and refuses single writes."""

    def __init__(self, manifests: Collection[Manifest], *, versioned: bool) -> None:
        super().__init__(manifests, versioned=versioned)
        for manifest in manifests:  # what the world says about ids and generations is kept, and counted on from
            given = {key: manifest["metadata"][key] for key in ("uid", "generation") if key in manifest["metadata"]}
            self.objects[ref_of(manifest)]["metadata"].update(given)
        self.unlisted: dict[Kind, ClusterError] = {}
        self.unwritable: dict[Ref, ClusterError] = {}
        self.now = START

    def list(self, kind: Kind, scope: Scope) -> list[Manifest]:
        """Returns the objects of a kind, unless the server refuses to."""
        if kind in self.unlisted:
            raise self.unlisted[kind]
        return super().list(kind, scope)

    def patch(self, patch: Patch) -> None:
        """Applies a patch and records its writer."""
        if patch.target in self.unwritable:
            raise self.unwritable[patch.target]
        super().patch(patch)
        owned = {VS: "http", HR: "rules", P: "template"}.get(patch.target)
        if owned and not patch.subresource:
            metadata = self.objects[patch.target]["metadata"]
            others = [entry for entry in metadata.get("managedFields", []) if not _owns(entry, owned)]
            metadata["managedFields"] = [*others, written_by("steerer", owned, self.now)]


def _owns(entry: Manifest, owned: str) -> bool:
    return f"f:{owned}" in entry.get("fieldsV1", {}).get("f:spec", {})


Value = float | Failure | None
Sides = dict[tuple[str, Asks, str], Value]
"""What a metric answers for a workload, by what is asked."""


class Meter(FixedMeter):
    """A meter that leaves out the questions whose value is None."""

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self.scene = scene

    def measure(self, questions: Collection[Question], at: datetime) -> Mapping[Question, Answer]:
        """Answers the questions that are not left out."""
        return super().measure([one for one in questions if self._value(one) is not None], at)

    def _value(self, question: Question) -> Value:
        return self.scene.answer(question.metric, question.asks, question.workload)


class Scene(Struct, frozen=True, kw_only=True):
    """One random world at one instant (`START`). `calm`: nothing is wrong with it.

    `values`: a metric that is not in it has no data; `sides` go before it. `unwritable`: objects that can be read.
    """

    manifests: list[Manifest]
    values: dict[str, float | Failure | None]
    interval: float
    versioned: bool
    calm: bool
    refused: dict[Ref, ClusterError] = field(default_factory=dict)
    unlisted: dict[Kind, ClusterError] = field(default_factory=dict)
    unwritable: dict[Ref, ClusterError] = field(default_factory=dict)
    sides: Sides = field(default_factory=dict)

    def answer(self, metric: str, asks: Asks, workload: str) -> Value:
        """Returns what a metric answers for a workload; None where it does not answer."""
        return self.sides.get((metric, asks, workload), self.values.get(metric, Failure.NO_DATA))

    def cluster(self, *, versioned: bool | None = None) -> Server:
        """Builds a new cluster of this world."""
        cluster = Server(self.manifests, versioned=self.versioned if versioned is None else versioned)
        cluster.refuse.update(self.refused)
        cluster.unlisted.update(self.unlisted)
        cluster.unwritable.update(self.unwritable)
        return cluster

    def pass_over(self, cluster: MemoryCluster | Any, *, now: datetime = START) -> Pass:
        """Returns a pass over a cluster at an instant."""
        if isinstance(cluster, Server):
            cluster.now = now
        return Pass(
            cluster=cluster,
            meter=Meter(self),
            settings=Settings(interval=self.interval, metrics=METRICS),
            selection=Selection(),
            now=lambda: now,
        )

    def of(self, ref: Ref) -> Manifest | None:
        """Returns one manifest, if the world has it."""
        return next((item for item in self.manifests if ref_of(item) == ref), None)


def written_by(manager: str, owned: str, at: datetime | None) -> Manifest:
    """Builds an entry of `managedFields` for a member of `spec`."""
    entry: Manifest = {"manager": manager, "operation": "Update", "fieldsV1": {"f:spec": {f"f:{owned}": {}}}}
    return entry | ({"time": stamp(at)} if at else {})


def stamp(at: datetime) -> str:
    """Writes a time as Kubernetes does."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


# A coherent world.

LABELS: dict[str, tuple[dict[str, str], dict[str, str], tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    # style: (primary's labels, canary's labels, keys of the Deployments' selectors, of either Service's selector)
    "app": ({"app": "podinfo"}, {"app": "podinfo-canary"}, ("app",), ("app",), ("app",)),
    "role": (
        {"app": "podinfo", "role": "primary"},
        {"app": "podinfo", "role": "canary"},
        ("app", "role"),
        ("app", "role"),
        ("app", "role"),
    ),
    "service": (
        {"name": "podinfo", "track": "stable"},
        {"name": "podinfo-canary", "track": "canary"},
        ("name",),
        ("track",),
        ("track",),
    ),
    "absent": (
        {"app": "podinfo", "id": "p"},
        {"app": "podinfo", "id": "c", "canary": "yes"},
        ("id",),
        ("app",),
        ("app", "canary"),
    ),
}


def pod_template(image: str, labels: dict[str, str], own: str, *, annotated: bool, spread: bool) -> Manifest:
    """Builds a pod template; `own` is the label that its anti-affinity selects, where it has one."""
    metadata: Manifest = {"labels": {**labels, "team": f"team-{image}"}}
    if annotated:
        metadata["annotations"] = {"restartedAt": "now"}
    spec: Manifest = {"containers": [{"name": "podinfo", "image": f"podinfo:{image}"}]}
    if spread:
        term = {"topologyKey": "zone", "labelSelector": {"matchLabels": {own: labels[own]}}}
        spec["affinity"] = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    return {"metadata": metadata, "spec": spec}


def rolled_out(manifest: Manifest) -> Manifest:
    """Returns a Deployment the status of one that is rolled out."""
    wanted = manifest["spec"].get("replicas", 1)
    status = {"replicas": wanted, "updatedReplicas": wanted, "readyReplicas": wanted, "availableReplicas": wanted}
    status["observedGeneration"] = manifest["metadata"].get("generation", 1)  # a cluster with versioned begins at 1
    return manifest | {"status": status}


def deployments(pick: Pick) -> tuple[Manifest, Manifest, Manifest, Manifest]:
    """Draws primary and canary with their Services; their templates are often the same but for the labels."""
    labels_p, labels_c, by_deployment, by_primary, by_canary = LABELS[pick(sorted(LABELS))]
    own = by_deployment[-1]
    image = pick(IMAGES[:2])
    other = pick((image, *IMAGES))
    annotated, spread = pick((False, False, True)), pick((False, True))
    primary = deployment("podinfo", image, pick((None, 1, 2, 4)))
    canary = deployment("podinfo-canary", other, pick((None, 0, 0, 1, 2, 2, 3)))
    primary["spec"]["template"] = pod_template(image, labels_p, own, annotated=False, spread=spread)
    canary["spec"]["template"] = pod_template(other, labels_c, own, annotated=annotated, spread=spread)
    services = (service("podinfo"), service("podinfo-canary", pick(("http", "https-web", "grpc"))))
    for one, labels, keys in ((services[0], labels_p, by_primary), (services[1], labels_c, by_canary)):
        one["spec"]["selector"] = {key: labels[key] for key in keys}
    for one, labels in ((primary, labels_p), (canary, labels_c)):
        one["spec"]["selector"] = {"matchLabels": {key: labels[key] for key in by_deployment}}
        if pick((False, True)):
            one["metadata"] |= {"generation": pick((1, 7)), "uid": f"uid-of-{one['metadata']['name']}"}
    return rolled_out(primary), rolled_out(canary), *services


def destinations(pick: Pick, weight: int) -> list[Manifest]:
    """Draws the two ends of a managed route: their order, the spelling of the hosts, how the weight is written."""
    primary: Manifest = {"destination": {"host": pick(SPELLINGS).format(PRIMARY_HOST), "subset": "v1"}}
    canary: Manifest = {"destination": {"host": pick(SPELLINGS).format(CANARY_HOST)}}
    primary["weight"], canary["weight"] = 100 - weight, weight
    style = pick(("plain", "plain", "plain", "reversed", "omitted", "off"))
    for end in (primary, canary):
        if style == "omitted" and end["weight"] == 0:
            del end["weight"]
    if style == "off" and weight:
        primary["weight"] = pick((0, 1, 100))
    return [canary, primary] if style == "reversed" else [primary, canary]


UNMANAGED: tuple[Manifest, ...] = (
    {"route": [{"destination": {"host": CANARY_HOST}, "weight": 100}]},
    {
        "match": [{"headers": {"x-canary": {"exact": "always"}}}],
        "route": [{"destination": {"host": CANARY_HOST}}],
    },
    {"redirect": {"uri": "/elsewhere"}},
    {"delegate": {"name": "other"}},
    {
        "route": [
            {"destination": {"host": f"{PRIMARY_HOST}.other"}, "weight": 60},
            {"destination": {"host": f"{CANARY_HOST}.other"}, "weight": 40},
        ]
    },
    {"route": [{"destination": {"host": PRIMARY_HOST}}], "mirror": {"host": CANARY_HOST}},
)


def unmanaged(pick: Pick) -> Manifest:
    """Draws a route that steerer does not manage."""
    return copied(pick(UNMANAGED))


def virtual_service(pick: Pick, weight: int) -> Manifest:
    """Draws a VirtualService with one to three managed routes among others; now and then their weights differ."""
    routes: list[Manifest] = [{"route": destinations(pick, weight)}]
    for _ in range(pick((0, 0, 0, 1, 1, 2))):
        uneven = pick((weight, weight, weight, 0, 70, 100))
        routes.append({"route": destinations(pick, uneven), "timeout": "3s", "retries": {"attempts": 2}})
    for _ in range(pick((0, 0, 1, 2))):
        routes.insert(pick((0, len(routes))), unmanaged(pick))
    version = pick(("v1", "v1beta1", "v1alpha3"))
    return {
        "apiVersion": f"networking.istio.io/{version}",
        "kind": "VirtualService",
        "metadata": {"name": "podinfo", "namespace": "test", "annotations": {"kept": "yes"}},
        "spec": {"hosts": ["podinfo"], "gateways": ["mesh"], "http": routes},
    }


TAKEN_UP = 1_000_000
"""A generation that is later than any of a route: whatever a pass writes is taken up at once."""


def gateway_route(pick: Pick, weight: int) -> Manifest:
    """Draws an HTTPRoute with one or two managed rules among others; now and then its weights lag behind."""
    uneven = pick((weight, weight, weight, weight, 0, 60))
    times = pick((1, 1, 10))
    ends = [backend("podinfo", (100 - uneven) * times), backend("podinfo-canary", uneven * times)]
    rules: list[Manifest] = [{"backendRefs": ends[:: pick((1, -1))]}]
    if pick((False, False, True)):
        rules.append({"backendRefs": [*copied(ends), backend("old", 0)], "timeouts": {"request": "3s"}})
    if pick((False, True)):
        rules.insert(0, {"backendRefs": [backend("podinfo-canary")], "matches": [{"path": {"value": "/canary"}}]})
    route = http_route(*rules)
    return route | {"status": said(route, TAKEN_UP)}


def destination_rule(pick: Pick, primary: Manifest) -> Manifest:
    """Draws what the subset of the managed routes selects: all pods of the primary's Service, or by its labels."""
    labels = pick(({}, primary["spec"]["selector"]["matchLabels"]))
    spec = {"host": pick(SPELLINGS).format(PRIMARY_HOST), "subsets": [{"name": "v1", "labels": labels}]}
    metadata = {"name": "podinfo", "namespace": "test"}
    return {"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "metadata": metadata, "spec": spec}


def moment(pick: Pick) -> datetime:
    """Draws a time around the pass."""
    return START + timedelta(seconds=pick(MOMENTS))


def status(pick: Pick, canary: Manifest, weight: int, step: int) -> Manifest | None:
    """Draws what an earlier pass has stored: usually what fits the world, often what does not."""
    phases = (None, None, "Initialized", *["Progressing"] * 8, *["Promoting"] * 3, *["Finalising"] * 3, "Succeeded")
    phase = pick(phases)
    if phase is None:
        return pick((None, {"observedGeneration": -1}, {"canaryWeight": 0}))
    now = revision(canary["spec"]["template"])
    seen = pick(("now", "now", "now", "now", "other", "none"))
    stored: Manifest = {"phase": phase, "observedGeneration": 1}
    if seen != "none":
        stored["canaryRevision"] = now if seen == "now" else "v1-0123456789abcdef0123"
    at_rest = phase in {"Succeeded", "Finalising"}
    promoted_is = pick(("recorded", "other") if at_rest else ("none", "other", "recorded"))
    if promoted_is != "none":
        recorded = stored.get("canaryRevision", now)
        stored["promotedRevision"] = recorded if promoted_is == "recorded" else "v1-ffffffffffffffffffff"
    metadata = canary["metadata"]
    if "generation" in metadata and pick((False, True)):
        stored["canaryGeneration"] = metadata["generation"] - pick((0, 0, 1))
        stored["canaryUID"] = pick((metadata["uid"], metadata["uid"], "another"))
    stored["canaryWeight"] = pick((weight, weight, weight, 0, min(weight + step, 100), 60, 90))
    if (replicas := pick((None, 1, 3))) is not None:
        stored["canaryReplicas"] = replicas
    for key in ("lastAdvanceTime", "lastTransitionTime"):
        if pick((True, True, False)):
            stored[key] = stamp(moment(pick))
    return stored | pick(({}, OLD_CONDITIONS, {"later": {"unknown": True}}))


OLD_CONDITIONS: Manifest = {
    "conditions": [
        {
            "type": kind,
            "status": value,
            "reason": "Before",
            "message": "an earlier pass",
            "observedGeneration": 1,
            "lastTransitionTime": "2026-01-30T00:00:00Z",
        }
        for kind, value in (("Ready", "False"), ("Reconciling", "True"))
    ],
    "measurements": [{"name": SUCCESS, "value": 1.5, "threshold": 99, "verdict": "failed"}],
}


def checks(pick: Pick) -> list[Manifest] | None:
    """Draws the metrics: none to three, now and then one of them twice."""
    success = {"name": SUCCESS, "threshold": pick((99, 95.5, 0)), "interval": "1m"}
    duration = {"name": DURATION, "threshold": pick((500, 250.5))}
    both = [success, duration]
    return pick((None, [], [success], [duration], both, both, both, [*both, success]))


def _carry(primary: Manifest, canary: Manifest, services: tuple[Manifest, Manifest]) -> None:
    """Returns the primary what a promotion of the canary would give it."""
    target = objects.deployment(primary)
    identity = identity_of(target, [services_model.service(one) for one in services])
    primary["spec"]["template"] = promoted_template(objects.deployment(canary), target, identity)


def calm_scene(pick: Pick) -> Scene:
    """Draws a world in which nothing is wrong: any point of a release, whatever was stored about it."""
    primary, canary, *services = deployments(pick)
    # A release has at most a dozen steps here, so that a whole one can be played.
    most, step = pick((None, 100, 100, 50, 20, 7)), pick((10, 25, 40, 50, 100))
    top = most or 100
    weight = pick((0, 0, 0, min(step, top), min(2 * step, top), top, top, 33))
    manifest = rollout(maxWeight=most, stepWeight=step, metrics=checks(pick))
    stored = status(pick, canary, weight, step)
    if stored is not None:
        manifest["status"] = stored
        if stored.get("phase") in {"Promoting", "Finalising"} and pick((False, True)):
            _carry(primary, canary, (services[0], services[1]))
    routes = [virtual_service(pick, weight)]
    if pick((False, False, True)):
        routes.append(gateway_route(pick, weight))
        del manifest["spec"]["virtualService"]
        manifest["spec"]["routes"] = [{"kind": route["kind"], "name": "podinfo"} for route in routes]
    for one, owned in (*zip(routes, ("http", "rules"), strict=False), (primary, "template")):
        if (manager := pick((None, None, None, *GITOPS, *PEOPLE))) is not None:
            at = pick((None, moment(pick)))
            one["metadata"]["managedFields"] = [written_by(manager, owned, at)]
    scalers = []
    if pick((False, False, True)):
        target = pick(("podinfo", "podinfo-canary"))
        scalers.append(autoscaler(target, 2, 2 if target == "podinfo-canary" else 3, least=pick((0, 3))))
    values = {SUCCESS: pick((99.9, 100.0, 99.0)), DURATION: pick((20.0, 250.5))}
    return Scene(
        manifests=copied([primary, canary, *services, *routes, destination_rule(pick, primary), *scalers, manifest]),
        values=dict(values),
        interval=pick((60.0, 60.0, 10.0)),
        versioned=pick((False, True)),
        calm=True,
    )


# What goes wrong. Each takes the world apart a little; a mishap that does not find its object does nothing.


# (where in the Deployment, what is put there: a value, or what is added to the number that is wanted)
DEPLOYMENT_FAULTS: tuple[tuple[tuple[str, ...], Any], ...] = (
    (("spec", "paused"), True),
    (("metadata", "generation"), 9),
    (("status", "updatedReplicas"), 0),
    (("status", "replicas"), 5),
    (("status", "availableReplicas"), 0),
    (("status", "conditions"), [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]),
    (("spec", "replicas"), 5),
    (("spec", "replicas"), 0),
    (("spec", "replicas"), -1),
    (("spec", "replicas"), "two"),
    (("status",), None),
    (("spec", "template"), None),
    (("spec", "template"), {"metadata": "no"}),
    (("spec", "template"), {"metadata": {"labels": ["a"]}}),
)


def _deployment_mishap(pick: Pick, scene: Scene) -> None:
    manifest = scene.of(pick((P, C, C)))
    if manifest is not None:
        (*path, last), value = pick(DEPLOYMENT_FAULTS)
        parent = manifest
        for key in path:
            parent[key] = parent[key] or {}
            parent = parent[key]
        parent[last] = copied(value)


def _service_mishap(pick: Pick, scene: Scene) -> None:
    manifest = scene.of(pick((PS, CS)))
    if manifest is None:
        return
    spec = manifest["spec"]
    kind = pick(("external", "port", "nameless", "portless", "overlap", "no selector", "invalid"))
    if kind == "external":
        spec["type"] = "ExternalName"
    elif kind == "port":
        spec["ports"] = [{"name": pick(("tcp", "httpx", "http2x", "HTTP", "grpcs")), "port": 1}]
    elif kind == "nameless":
        spec["ports"] = [{"port": 9898}]
    elif kind == "portless":
        spec["ports"] = None
    elif kind == "overlap":
        primary = scene.of(P)
        if primary is not None:
            spec["selector"] = copied(primary["spec"]["selector"]["matchLabels"])
    elif kind == "no selector":
        spec["selector"] = None
    else:
        spec["ports"] = pick(("http", [1]))


ODD_HOSTS: tuple[Any, ...] = ("podinfo-canar", "podinfo-canary.", "podinfo.other", "", None, 7)
# What becomes of `spec.http`, from the ends of a managed route.
ROUTE_FAULTS: tuple[Callable[[Pick, list[Manifest]], Any], ...] = (
    lambda _, ends: [{"route": [*ends, {"destination": {"host": "third"}, "weight": 0}]}],
    lambda _, ends: [{"route": [*ends, ends[0]]}],
    lambda pick, ends: [{"route": [{**end, "weight": pick((0, None))} for end in ends]}],
    lambda pick, ends: [{"route": [{**ends[0], "weight": pick((-1, 101, "50", True, 50.0, 33.3))}, ends[1]]}],
    lambda pick, ends: [{"route": [ends[1], {**ends[0], "weight": pick((-1, 101, "50", True, 50.0, 33.3))}]}],
    lambda pick, ends: [{"route": [ends[1], {"destination": {"host": pick(ODD_HOSTS)}, "weight": 30}]}],
    lambda _, ends: [{"route": [end]} for end in ends],
    lambda pick, _: pick((None, [], {}, "no", [1], [{"route": {}}], [{"route": [3]}])),
)


def _route_mishap(pick: Pick, scene: Scene) -> None:
    manifest = scene.of(VS)
    if manifest is not None:
        ends = [{"destination": {"host": host}, "weight": 50} for host in (PRIMARY_HOST, CANARY_HOST)]
        manifest["spec"]["http"] = pick(ROUTE_FAULTS)(pick, copied(ends))


def _gateway_mishap(pick: Pick, scene: Scene) -> None:
    manifest = scene.of(HR)
    if manifest is None:
        return
    kind = pick(("refused", "awaited", "awaited", "third", "missing"))
    if kind == "refused":
        manifest["status"] = said(manifest, TAKEN_UP, "RefNotPermitted")
    elif kind == "awaited":
        manifest["status"] = pick(({}, said(manifest, 0)))
    elif kind == "third":
        manifest["spec"]["rules"][-1]["backendRefs"].append(backend("third"))
    else:
        scene.manifests[:] = [item for item in scene.manifests if ref_of(item) != HR]


SPEC_FAULTS: tuple[tuple[tuple[str, ...], Any], ...] = (
    (("targetKind",), "DaemonSet"),
    (("primary",), None),
    (("primary", "name"), "podinfo-canary"),
    (("canary", "name"), "Upper"),
    (("canary", "host"), "podinfo"),
    (("canary", "host"), "podinfo-canary.other"),
    (("virtualService", "name"), ""),
    (("virtualService", "name"), "elsewhere"),
    (("canaryAnalysis",), []),
    (("canaryAnalysis", "maxWeight"), 0),
    (("canaryAnalysis", "maxWeight"), 101),
    (("canaryAnalysis", "maxWeight"), True),
    (("canaryAnalysis", "stepWeight"), 0),
    (("canaryAnalysis", "stepWeight"), "10"),
    (("canaryAnalysis", "stepWeight"), None),
    (("canaryAnalysis", "metrics"), [{"name": "nope", "threshold": 1}]),
    (("canaryAnalysis", "metrics"), [{"name": SUCCESS, "threshold": "99"}]),
    (("canaryAnalysis", "metrics"), [{"name": SUCCESS, "threshold": float("nan")}]),
    (("canaryAnalysis", "metrics"), [{"name": SUCCESS, "threshold": 99, "interval": "1M"}]),
    (("canaryAnalysis", "metrics"), [{"name": "é" * 900, "threshold": 1}] * 30),
)
STATUS_FAULTS: tuple[tuple[str, Any], ...] = (
    ("phase", "Failed"),
    ("phase", 7),
    ("phase", None),
    ("canaryWeight", 150),
    ("canaryWeight", "30"),
    ("lastAdvanceTime", "yesterday"),
    ("lastTransitionTime", 12),
    ("canaryRevision", 5),
    ("canaryReplicas", -3),
    ("conditions", "none"),
    ("measurements", {}),
)


def _rollout_mishap(pick: Pick, scene: Scene) -> None:
    manifest = scene.of(R)
    if manifest is None:
        return
    kind = pick(("spec", "spec", "spec", "status", "status", "deleted", "no spec", "rival"))
    if kind == "spec":
        path, value = pick(SPEC_FAULTS)
        parent = manifest.get("spec") or {}
        for key in path[:-1]:
            parent = parent.get(key)
            if not isinstance(parent, dict):
                return
        parent[path[-1]] = value
    elif kind == "status":
        key, value = pick(STATUS_FAULTS)
        manifest["status"] = {**(manifest.get("status") or {}), key: value}
    elif kind == "deleted":
        manifest["metadata"]["deletionTimestamp"] = stamp(START)
    elif kind == "no spec":
        manifest["spec"] = None
    else:
        rival = copied(manifest)
        rival["metadata"]["name"] = pick(("aa", "zz"))
        rival.pop("status", None)
        if pick((False, True)):
            rival["metadata"]["creationTimestamp"] = stamp(moment(pick))
        scene.manifests.append(rival)


def _missing_mishap(pick: Pick, scene: Scene) -> None:
    ref = pick((P, C, PS, CS, VS))
    kind = pick(("missing", "unreadable", "unwritable"))
    if kind == "missing":
        scene.manifests[:] = [item for item in scene.manifests if ref_of(item) != ref]
    elif kind == "unreadable":
        scene.refused[ref] = pick((ForbiddenError("not allowed"), UnreachableError("timed out")))
    else:
        target = pick((P, C, VS, R))
        scene.unwritable[target] = ForbiddenError("not allowed")


def _scaler_mishap(pick: Pick, scene: Scene) -> None:
    kind = pick(("moving", "unlisted", "invalid"))
    if kind == "unlisted":
        scene.unlisted[AUTOSCALER] = ForbiddenError("not allowed")
        return
    scaler = autoscaler("podinfo-canary", 2, 4)
    if kind == "invalid":
        scaler["spec"]["scaleTargetRef"] = None
    ref = ref_of(scaler)
    scene.manifests[:] = [*[item for item in scene.manifests if ref_of(item) != ref], scaler]


ODD_VALUES: tuple[float | Failure | None, ...] = (
    *(None, float("nan"), float("inf"), float("-inf"), -1.0, 1e300, 5e-324),
    *Failure,
)
# On either side of the thresholds, and on them.
NEAR_VALUES = {
    SUCCESS: (0.0, 82.333, 95.4999, 95.5, 98.5, 98.9999999, 99.0, 99.00001),
    DURATION: (250.4999, 250.5, 250.500001, 499.9, 500.0, 500.0000001, 500.2, 503.0, 2525.0),
}


def _metric_mishap(pick: Pick, scene: Scene) -> None:
    metric = pick((SUCCESS, DURATION))
    scene.values[metric] = pick(pick((ODD_VALUES, NEAR_VALUES[metric], NEAR_VALUES[metric])))


MISHAPS: tuple[Callable[[Pick, Scene], None], ...] = (
    _deployment_mishap,
    _deployment_mishap,
    _service_mishap,
    _route_mishap,
    _gateway_mishap,
    _rollout_mishap,
    _missing_mishap,
    _scaler_mishap,
    *[_metric_mishap] * 6,
)


def troubled_scene(pick: Pick) -> Scene:
    """Builds a world with one to three mishaps."""
    scene = calm_scene(pick)
    step = pick((None, None, 1, 3, 99))
    if step is not None:
        analysis = next(item for item in scene.manifests if ROLLOUT.matches(item))["spec"]["canaryAnalysis"]
        analysis["stepWeight"] = step
    for _ in range(pick((1, 1, 1, 2, 3))):
        pick(MISHAPS)(pick, scene)
    return replace(scene, interval=pick((scene.interval, scene.interval, scene.interval, 0.0)), calm=False)


# One strategy for each number of options: making them anew for each choice takes longer than all that is tested.
_choice = cache(lambda count: st.integers(0, count - 1))


def picking(draw: Any) -> Pick:
    """Returns what chooses for a builder, by the draws of hypothesis."""
    return lambda options: options[draw(_choice(len(options)))] if len(options) > 1 else options[0]


@st.composite
def calm_scenes(draw: Any) -> Scene:
    """Draws a world in which nothing is wrong."""
    return calm_scene(picking(draw))


@st.composite
def scenes(draw: Any) -> Scene:
    """Draws any world: one in three is calm."""
    pick = picking(draw)
    return pick((calm_scene, troubled_scene, troubled_scene))(pick)
