"""A namespace in each kind of cluster, with what users and controllers do there beside a pass.

What is expected of a cluster must not be known here.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

from reconcile.clusters.folder.cluster import FolderCluster
from reconcile.clusters.folder.index import EVENTS_FILES
from reconcile.clusters.kube.cluster import connect
from reconcile.model.kinds import DEPLOYMENT, EVENT, KINDS, Kind, Manifest, Ref, Scope
from reconcile.simulation.deployment_controller import DeploymentController
from tests.components.endpoints import endpoints_follow
from tests.components.processes import wait_for
from tests.support import fast_yaml
from tests.support.fakes import MemoryCluster, ref_of
from tests.support.share import share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from typing import Self

    from reconcile.model.ports import Cluster
    from tests.components.controlplane import ControlPlane

T = TypeVar("T")

CLUSTERS = ("memory", "folder", "api")


def everywhere(cases: Iterable[str], whose: str) -> list[tuple[str, str]]:
    """Returns each case with each cluster. On the API server, which costs most, a third: `make worlds` has all.

    What a cluster has to do for a pass is in `test_port`, all of it on each.
    """
    every = [*cases]
    api = set(share(every, whose, 3))
    return [(case, where) for case in every for where in CLUSTERS if where != "api" or case in api]


# The field manager of most changes; also what steerer calls a writer without a field manager.
SOMEBODY = "somebody"


class Sandbox(ABC):
    """One namespace of one cluster. `cluster` is the adapter that is tested; no other member uses it.

    `without_versions`: the cluster has no resource versions, so a `test` can only compare values.
    """

    cluster: Cluster
    without_versions = False

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def ref(self, kind: Kind, name: str) -> Ref:
        """Returns the name of an object of the sandbox's namespace."""
        return Ref(kind, self.namespace, name)

    @abstractmethod
    def create(self, *manifests: Manifest) -> None:
        """Stores new objects, in the namespace that each names, by default in the sandbox's."""

    @abstractmethod
    def change(self, ref: Ref, change: Manifest, *, manager: str = SOMEBODY) -> None:
        """Changes an object as a user does. `change` is a JSON merge patch: null removes, lists are replaced."""

    @abstractmethod
    def write_status(self, ref: Ref, status: Manifest) -> None:
        """Changes an object's status as its controller does. `status` is a JSON merge patch."""

    @abstractmethod
    def stored(self, *kinds: Kind) -> list[Manifest]:
        """Returns the objects of these kinds in the sandbox's namespace as they are stored, unsorted."""

    @abstractmethod
    def settle(self) -> None:
        """Waits until all Deployments are rolled out."""

    @abstractmethod
    def block_pods(self) -> None:
        """Admits no new pods until `unblock_pods`: a rolling update starts and stays in progress."""

    @abstractmethod
    def unblock_pods(self) -> None:
        """Admits new pods again."""

    @abstractmethod
    def second_client(self) -> Cluster:
        """Returns another adapter for the cluster, as another process would have."""

    def in_parallel(self, one: Callable[[], T], other: Callable[[], T]) -> list[T]:
        """Calls two functions at the same time where the cluster allows it; by default one after the other."""
        return [one(), other()]

    def get(self, ref: Ref) -> Manifest:
        """Returns one object as it is stored."""
        [found] = [item for item in self.stored(ref.kind) if ref_of(item) == ref]
        return found


def in_namespace(manifest: Manifest, namespace: str) -> Manifest:
    """Returns a copy in this namespace, or in the one that the object names."""
    copy: Manifest = json.loads(canonical_json(manifest))  # unlike a deep copy it shares no parts
    copy["metadata"].setdefault("namespace", namespace)
    return copy


def merge_patch(value: Any, change: Any) -> Any:
    """Returns a value after a JSON merge patch (RFC 7386)."""
    if not isinstance(change, dict):
        return change
    base = value if isinstance(value, dict) else {}
    result = {key: member for key, member in base.items() if key not in change}
    result |= {key: merge_patch(base.get(key), member) for key, member in change.items() if member is not None}
    return {key: result[key] for key in [*base, *change] if key in result}


class _SimulatedSandbox(Sandbox):
    """A cluster without controllers: the simulation's take their place."""

    def __init__(self, namespace: str, cluster: Cluster) -> None:
        super().__init__(namespace)
        self.cluster = cluster
        self._workloads = DeploymentController(cluster=cluster, rollout_ticks=1)

    def settle(self) -> None:
        self._workloads.step()

    def change(self, ref: Ref, change: Manifest, *, manager: str = SOMEBODY) -> None:
        entry = {"manager": manager, "operation": "Update", "time": "2026-01-31T12:00:00Z"}
        owned: Manifest = {"fieldsV1": {"f:spec": {f"f:{key}": {} for key in change.get("spec", {})}}}
        self._merge(ref, merge_patch(change, {"metadata": {"managedFields": [entry | owned]}}))

    def write_status(self, ref: Ref, status: Manifest) -> None:
        self._merge(ref, {"status": status})

    @abstractmethod
    def _merge(self, ref: Ref, change: Manifest) -> None: ...

    def block_pods(self) -> None:
        self._workloads = DeploymentController(cluster=self.cluster, rollout_ticks=100)
        self._workloads.step()  # what exists now counts as rolled out

    def unblock_pods(self) -> None:
        self._workloads.rollout_ticks = 1


class _MemorySandbox(_SimulatedSandbox):
    """The fake of the unit tests: it keeps the contract too."""

    def __init__(self, namespace: str) -> None:
        self.memory = MemoryCluster([])
        super().__init__(namespace, self.memory)

    def create(self, *manifests: Manifest) -> None:
        for manifest in manifests:
            self.memory.put(in_namespace(manifest, self.namespace))

    def _merge(self, ref: Ref, change: Manifest) -> None:
        self.memory.put(merge_patch(self.memory.objects[ref], change))

    def stored(self, *kinds: Kind) -> list[Manifest]:
        objects = self.memory.objects.items()
        return [deepcopy(item) for ref, item in objects if ref.namespace == self.namespace and ref.kind in kinds]

    def second_client(self) -> Cluster:
        return self.memory


class _FolderSandbox(_SimulatedSandbox):
    """A folder with one file for each kind, written and read here without the adapter's code."""

    without_versions = True

    def __init__(self, namespace: str, folder: Path) -> None:
        self.folder = folder
        super().__init__(namespace, FolderCluster(folder))

    def create(self, *manifests: Manifest) -> None:
        for manifest in manifests:
            with self._file(manifest).open("a") as file:
                written = yaml.dump(in_namespace(manifest, self.namespace), Dumper=_Dumper)
                file.write(f"---\n# A user's file.\n{written}")

    def _merge(self, ref: Ref, change: Manifest) -> None:
        path = self._file({"kind": ref.kind.name})
        documents = [merge_patch(item, change) if ref_of(item) == ref else item for item in _read(path)]
        path.write_text(yaml.dump_all(documents, Dumper=_Dumper))

    def stored(self, *kinds: Kind) -> list[Manifest]:
        paths = {self._file({"kind": kind.name}) for kind in kinds} | (
            {self.folder / name for name in EVENTS_FILES} if EVENT in kinds else set()
        )
        every = [item for path in sorted(paths) if path.exists() for item in _read(path)]
        return [item for item in every if item["metadata"]["namespace"] == self.namespace]

    def second_client(self) -> Cluster:
        return FolderCluster(self.folder)

    def _file(self, manifest: Manifest) -> Path:
        return self.folder / f"{manifest['kind'].lower()}.yaml"


class _ApiSandbox(Sandbox):
    """A namespace of the control plane, whose controllers and scheduler are real."""

    def __init__(self, namespace: str, plane: ControlPlane) -> None:
        super().__init__(namespace)
        self._plane = plane
        self._namespaces: set[str] = set()
        self._held = False
        self._need(namespace)
        self.cluster = self.second_client()

    def create(self, *manifests: Manifest) -> None:
        for manifest in manifests:
            whole = in_namespace(manifest, self.namespace)
            namespace, version = whole["metadata"]["namespace"], whole["apiVersion"]
            self._need(namespace)
            path = _path(version, KINDS[whole["kind"]], namespace)
            self._plane.request("POST", f"{path}?fieldManager={SOMEBODY}", body=whole).raise_for_status()

    def change(self, ref: Ref, change: Manifest, *, manager: str = SOMEBODY) -> None:
        path = _path(_version(ref.kind), ref.kind, ref.namespace)
        self._merge(f"{path}/{ref.name}?fieldManager={manager}", change)

    def write_status(self, ref: Ref, status: Manifest) -> None:
        path = _path(_version(ref.kind), ref.kind, ref.namespace)
        self._merge(f"{path}/{ref.name}/status?fieldManager=controller", {"status": status})

    def stored(self, *kinds: Kind) -> list[Manifest]:
        return [item for kind in kinds for item in self._list(kind)]

    def settle(self) -> None:
        self._settle_deployments()
        endpoints_follow(self._plane, self.namespace)

    def _settle_deployments(self) -> None:
        path = _path(_version(DEPLOYMENT), DEPLOYMENT, self.namespace)
        answer = self._plane.request("GET", path).json()
        version, seen = answer["metadata"]["resourceVersion"], {_name(item): item for item in answer["items"]}
        if not all(map(self._settled, seen.values())):
            # A watch: polling would slow down the controllers.
            for item in self._watch(path, version):
                seen[_name(item)] = item
                if all(map(self._settled, seen.values())):
                    return
            raise TimeoutError(f"the Deployments of {self.namespace} are not rolled out: {canonical_json(seen)}")

    def block_pods(self) -> None:
        # A quota is in force once its status has counts; no controller of the control plane writes them.
        none = {"hard": {"pods": "0"}}
        quota = {"metadata": {"name": "hold"}, "spec": none}
        self._plane.request("POST", self._core("resourcequotas"), body=quota).raise_for_status()
        counted = {"status": {**none, "used": {"pods": "0"}}}
        self._merge(self._core("resourcequotas/hold/status"), counted)
        wait_for(lambda: self._try_pod() == 403, "the quota to be in force")
        self._held = True

    def unblock_pods(self) -> None:
        self._plane.request("DELETE", self._core("resourcequotas/hold")).raise_for_status()
        wait_for(lambda: self._try_pod() == 201, "the quota to be gone")
        self._held = False
        # The controller backs off, but tries again at once after a change.
        sets = f"/apis/apps/v1/namespaces/{self.namespace}/replicasets"
        for item in self._plane.request("GET", sets).json()["items"]:
            self._merge(f"{sets}/{_name(item)}", {"metadata": {"annotations": {"go": "on"}}})

    def second_client(self) -> Cluster:
        return self._stack.enter_context(connect(str(self._plane.kubeconfig), environ={}))

    def in_parallel(self, one: Callable[[], T], other: Callable[[], T]) -> list[T]:
        with ThreadPoolExecutor(2) as pool:
            return [future.result() for future in (pool.submit(one), pool.submit(other))]

    def _need(self, namespace: str) -> None:
        if namespace not in self._namespaces:
            body = {"metadata": {"name": namespace}}
            self._plane.request("POST", "/api/v1/namespaces", body=body).raise_for_status()
            self._namespaces.add(namespace)

    def _merge(self, path: str, change: Manifest) -> None:
        answer = self._plane.request("PATCH", path, body=change, content_type="application/merge-patch+json")
        answer.raise_for_status()

    def _watch(self, path: str, version: str) -> Iterator[Manifest]:
        """Yields each object that changes, for a minute."""
        plane = self._plane
        with plane.session.get(
            f"{plane.url}{path}",
            params={"watch": "true", "resourceVersion": version, "timeoutSeconds": "60"},
            headers={"Authorization": f"Bearer {plane.token}"},
            stream=True,
            timeout=90,
        ) as answer:
            for line in answer.iter_lines():
                yield json.loads(line)["object"]

    def _settled(self, deployment: Manifest) -> bool:
        return _rolled_out(deployment) or (self._held and _stuck(deployment))

    def _core(self, path: str) -> str:
        return f"/api/v1/namespaces/{self.namespace}/{path}"

    def _try_pod(self) -> int:
        pod = {"metadata": {"generateName": "try-"}, "spec": {"containers": [{"name": "try", "image": "try"}]}}
        return self._plane.request("POST", f"{self._core('pods')}?dryRun=All", body=pod).status_code

    def _list(self, kind: Kind) -> list[Manifest]:
        answer = self._plane.request("GET", _path(_version(kind), kind, self.namespace))
        if answer.status_code == 404:
            return []  # the server does not have that kind
        answer.raise_for_status()
        return [{"apiVersion": _version(kind), "kind": kind.name} | item for item in answer.json()["items"]]


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]  # one of two
    """Writes YAML with quotes around what kubectl could read as a number or a boolean."""


def _text(dumper: Any, value: str) -> Any:
    quotes = None if re.fullmatch(r"[A-Za-z][-A-Za-z/.]{3,}", value) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=quotes)


_Dumper.add_representer(str, _text)


def _read(path: Path) -> list[Manifest]:
    return fast_yaml.load_all(path.read_text())


def _name(manifest: Manifest) -> str:
    return str(manifest["metadata"]["name"])


def _version(kind: Kind) -> str:
    return kind.api_version(kind.versions[0])


def _path(api_version: str, kind: Kind, namespace: str) -> str:
    base = "/apis" if kind.group else "/api"
    return f"{base}/{api_version}/namespaces/{namespace}/{kind.plural}"


def _rolled_out(deployment: Manifest) -> bool:
    status = deployment["status"]
    counts = {status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")}
    return _observed(deployment) and counts == {deployment["spec"]["replicas"]}


def _stuck(deployment: Manifest) -> bool:
    """Returns whether the controller reports that it gets no pods; it does so before it counts those that are left."""
    conditions = deployment["status"].get("conditions", [])
    return _observed(deployment) and any(
        item["type"] == "ReplicaFailure" and item["status"] == "True" for item in conditions
    )


def _observed(deployment: Manifest) -> bool:
    return bool(deployment["status"].get("observedGeneration") == deployment["metadata"]["generation"])


@contextmanager
def open_sandbox(
    where: str, namespace: str, *, folder: Path | None, plane: ControlPlane | None = None
) -> Iterator[Sandbox]:
    """Yields a sandbox in one of CLUSTERS; only "api" needs a control plane."""
    with _sandbox(where, namespace, folder, plane) as sandbox:
        yield sandbox


def _sandbox(where: str, namespace: str, folder: Path | None, plane: ControlPlane | None) -> Sandbox:
    match where:
        case "memory":
            return _MemorySandbox(namespace)
        case "folder":
            assert folder is not None
            return _FolderSandbox(namespace, folder)
    assert plane is not None
    return _ApiSandbox(namespace, plane)


def list_all(cluster: Cluster, kind: Kind, **fields: str) -> list[tuple[str, str]]:
    """Returns namespace and name of each object of a kind, in all namespaces."""
    found = cluster.list(kind, Scope(fields={key.replace("_", "."): value for key, value in fields.items()}))
    return [(item["metadata"]["namespace"], item["metadata"]["name"]) for item in found]


def canonical_json(value: Any) -> str:
    """Returns JSON with sorted keys."""
    return json.dumps(value, sort_keys=True)
