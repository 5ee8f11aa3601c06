"""Shared parts of the tests that run steerer as a user does: the program, a metrics server, objects and their diffs.

The program runs as a process with a kubeconfig, and Kubernetes is the control plane of `components`. The metrics server
returns the values of a test; `tests/prometheus` has the real one.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from tests.components.controlplane import NODES
from tests.components.endpoints import endpoints_follow
from tests.components.processes import Program, wait_for
from tests.support import fast_yaml, forked
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from tests.components.audit import AuditEntry
    from tests.components.controlplane import ControlPlane

ARTIFACTS = ROOT / "artifacts"

SUCCESS, DURATION = "istio_requests_total", "istio_request_duration_seconds_bucket"
GOOD = {SUCCESS: "100", DURATION: "150"}

LONG_AGO = "2026-01-01T00:00:00Z"

# Metadata that the server changes with each write.
_SERVER_FIELDS = ("resourceVersion", "generation", "managedFields")

# A child starts with the peak memory of its parent, and a test run is big: a small process stands between them.
_MEASURE = """
import resource, subprocess, sys, time
start = time.perf_counter()
code = subprocess.call(sys.argv[2:])
wall, used = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "w") as out:
    print(used.ru_maxrss * 1024, used.ru_utime + used.ru_stime, wall, file=out)
sys.exit(code)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Used:
    """The resources of a run: peak memory in bytes, CPU time and wall time in seconds."""

    peak: int
    cpu: float
    wall: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """A run of steerer that has ended."""

    code: int
    out: str
    err: str

    @property
    def record(self) -> dict[str, Any]:
        """The decision record of the only Rollout, of `-o json`."""
        [record] = self.records
        return record

    @property
    def records(self) -> list[dict[str, Any]]:
        """The decision records of `-o json`."""
        found: list[dict[str, Any]] = json.loads(self.out)["rollouts"]
        return found


def vector(query: str, values: Mapping[str, str]) -> bytes:
    """Returns the response of Prometheus: a sample for each of these metrics in the query, and for each workload."""
    found = [value for metric, value in values.items() if metric in query]
    series = [{"metric": labels, "value": [time.time(), value]} for value in found for labels in _series(query)]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": series}}).encode()


def _series(query: str) -> list[dict[str, str]]:
    """Returns the labels of the series in the response: one without labels, or one for each workload of a group."""
    label = "destination_workload"
    workloads = re.search(rf'{label}=~"\(\?:([^"]*)\)"', query) if f"by ({label}" in query else None
    return [{label: name.replace("\\", "")} for name in workloads[1].split("|")] if workloads else [{}]


class Metrics:
    """A server that answers instant queries as Prometheus does, with one sample for each metric.

    `values` has the value of each metric as text; a metric without one has no data. `queries` are the queries so far.
    `hook` returns status and body for a query, or None to close the connection.
    """

    def __init__(self) -> None:
        self.values: dict[str, str] = dict(GOOD)
        self.queries: list[str] = []
        self.hook: Callable[[str], tuple[int, bytes] | None] = self.answer
        metrics = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                [query] = form["query"]
                metrics.queries.append(query)
                served = urlsplit(self.path).path == "/api/v1/query"
                answer = metrics.hook(query) if served else (404, b"")
                if answer is None:
                    self.close_connection = True
                    return
                status, body = answer
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, query: str) -> tuple[int, bytes]:
        """Returns status and body for a query, from `values`."""
        return 200, vector(query, self.values)

    @contextmanager
    def serving(self) -> Iterator[Metrics]:
        """Serves until the block ends."""
        thread = Thread(target=self._server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def good(self) -> None:
        """Sets good values for all metrics."""
        self.values.update(GOOD)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Prints nothing: some clients are killed on purpose."""


@dataclass(kw_only=True)
class Steerer:
    """The program with a kubeconfig for a namespace, and with a metrics server."""

    kubeconfig: Path | str
    metrics: str = ""
    namespace: str = "default"
    seconds: float = 120  # timeout of a run

    def __call__(self, *args: str, expect: int | None = 0, **environment: str) -> Done:
        """Runs it to its end. Fails if the exit code is another than `expect` (None = any)."""
        env = self.environment(**environment)
        return self._done(forked.run(args, cwd=ROOT, env=env, timeout=self.seconds), expect)

    def passes(self, *args: str, expect: int | None = 0) -> Done:
        """Makes one pass without an interval; returns its decision records."""
        return self("run", "--control-loop-interval=0s", "-o", "json", *args, expect=expect)

    def measured(self, scratch: Path, *args: str, module: str = "reconcile") -> tuple[Done, Used]:
        """Runs it, or another `module`; returns also the resources that the run took."""
        used = scratch / "used"
        measure = [sys.executable, "-I", "-S", "-c", _MEASURE, str(used)]
        command = [*measure, sys.executable, "-m", module, *args]
        ended = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=self.seconds,
            check=False,
        )
        done = self._done(ended, 0)
        peak, cpu, wall = used.read_text().split()
        return done, Used(peak=int(peak), cpu=float(cpu), wall=float(wall))

    def begin(self, *args: str, **environment: str) -> Program:
        """Starts it and leaves it running. A context manager."""
        return Program([sys.executable, "-m", "reconcile", *args], cwd=ROOT, env=self.environment(**environment))

    def environment(self, **more: str) -> dict[str, str]:
        """Returns its environment variables; `steerer` is on the PATH."""
        path = f"{forked.commands()}:{os.defpath}"
        options = {"KUBECONFIG": str(self.kubeconfig), "STEERER_METRICS_SERVER": self.metrics}
        return {"PATH": path, "LANG": "C.UTF-8", **options, **more}

    def _done(self, ended: subprocess.CompletedProcess[str], expect: int | None) -> Done:
        done = Done(code=ended.returncode, out=ended.stdout, err=ended.stderr)
        assert expect is None or done.code == expect, (
            f"{' '.join(ended.args)} ended with {done.code}:\n{done.out}{done.err}"
        )
        assert "Traceback" not in done.err, done.err
        return done


# Objects as the server stores them.


def get(plane: ControlPlane, what: str, namespace: str) -> dict[str, Any]:
    """Returns one object, such as `deployment/podinfo`, as kubectl prints it, with `managedFields`."""
    return plane.get(what, namespace)


def canary_weight(plane: ControlPlane, namespace: str) -> int:
    """Returns the canary's weight in the one route of the example."""
    [route] = get(plane, "virtualservice/podinfo", namespace)["spec"]["http"]
    [found] = [entry["weight"] for entry in route["route"] if entry["destination"]["host"] == "podinfo-canary"]
    return int(found)


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Returns the leaves of an object by path, such as `/spec/http/0/route/1/weight`; empty parts are leaves too."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    leaves = {where: leaf for key, member in pairs for where, leaf in flat(member, f"{path}/{key}").items()}
    return leaves or {path: value}


def changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Returns the differences between two states of an object, by path: the old and the new value (None = absent)."""
    old, new = flat(_without_server_fields(before)), flat(_without_server_fields(after))
    paths = sorted(path for path in old | new if old.get(path) != new.get(path) or (path in old) != (path in new))
    return {path: (old.get(path), new.get(path)) for path in paths}


def _without_server_fields(manifest: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in manifest["metadata"].items() if key not in _SERVER_FIELDS}
    return manifest | {"metadata": metadata}


def rolled_out(plane: ControlPlane, namespace: str, *names: str) -> None:
    """Waits until these Deployments are rolled out, with no pod of an older template left."""

    def settled(name: str) -> bool:
        found = plane.request("GET", f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}").json()
        spec, status = found["spec"]["replicas"], found["status"]
        counts = {status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")}
        return status.get("observedGeneration") == found["metadata"]["generation"] and counts == {spec}

    for name in names:
        wait_for(lambda name=name: settled(name), f"Deployment {name} to be rolled out")  # type: ignore[misc]
    endpoints_follow(plane, namespace)


def let_interval_pass(plane: ControlPlane, namespace: str, *names: str) -> None:
    """Makes the last advance and the last counted check of these Rollouts ones of long ago."""
    for name in names:
        path = f"/apis/apps.weave.works/v1beta1/namespaces/{namespace}/rollouts/{name}/status"
        then: dict[str, Any] = {"lastAdvanceTime": LONG_AGO, "lastTransitionTime": LONG_AGO}
        if "analysis" in plane.request("GET", path).json().get("status", {}):
            then["analysis"] = {"lastCheckTime": LONG_AGO}
        plane.merge(path, {"status": then})


def of_steerer(entries: list[AuditEntry]) -> list[AuditEntry]:
    """Returns the requests of the program."""
    return [entry for entry in entries if entry.user_agent.startswith("steerer/")]


def wait_until_after(moment: str) -> None:
    """Waits until a second is over, which is a time of Kubernetes: Events have whole seconds."""
    end = datetime.fromisoformat(moment).timestamp() + 1
    wait_for(lambda: time.time() >= end, f"{moment} to be over")


def seat(plane: ControlPlane, namespace: str, app: str) -> None:
    """Binds one pending pod of an app to a node, as a scheduler does."""
    pods = f"/api/v1/namespaces/{namespace}/pods"

    def waiting() -> list[str]:
        found = plane.request("GET", f"{pods}?labelSelector=app%3D{app}").json()["items"]
        return [pod["metadata"]["name"] for pod in found if not pod["spec"].get("nodeName")]

    wait_for(lambda: bool(waiting()), f"a pod of {app} without a node")
    [name, *_] = waiting()
    target = {"apiVersion": "v1", "kind": "Node", "name": NODES[0]}
    binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": target}
    plane.request("POST", f"{pods}/{name}/binding", body=binding).raise_for_status()


# Objects that tests create.


LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def install(plane: ControlPlane, *namespaces: str, **analysis: Any) -> None:
    """Creates the example in each namespace as `kubectl apply` would, and waits for its pods.

    `analysis` replaces fields of canaryAnalysis.
    """
    files = [*sorted((ARTIFACTS / "workloads").glob("*.yaml")), ARTIFACTS / "rollouts" / "podinfo.yaml"]
    items = []
    for namespace in namespaces:
        for item in [fast_yaml.load(file.read_text()) for file in files]:
            item["metadata"]["namespace"] = namespace
            if item["kind"] == "Rollout":
                item["spec"]["canaryAnalysis"] |= analysis
            item["metadata"]["annotations"] = {LAST_APPLIED: json.dumps(item)}
            items.append(item)
    store(plane, items)
    for namespace in namespaces:
        rolled_out(plane, namespace, "podinfo", "podinfo-canary")


def started(plane: ControlPlane, metrics: Metrics, weight: int, *, step: int, then: int | None = None) -> Steerer:
    """Installs the example in a new namespace and makes its first step; `then` is the next stepWeight."""
    namespace = f"started-{uuid4().hex[:8]}"
    plane.create_namespace(namespace)
    install(plane, namespace, stepWeight=step)
    kubeconfig = plane.kubeconfig_for(plane.token, namespace=namespace)
    steerer = Steerer(kubeconfig=kubeconfig, metrics=metrics.url, namespace=namespace)
    first = steerer.passes().record
    assert (first["move"], first["after"]["weight"]) == ("start", weight)
    if then:
        plane.patch("rollout/podinfo", namespace, {"spec": {"canaryAnalysis": {"stepWeight": then}}})
    return steerer


def apply(plane: ControlPlane, *items: dict[str, Any], manager: str = "kubectl") -> None:
    """Applies objects, each in the namespace that it names, whoever else owns their fields."""
    for item in items:
        plane.apply_at(path_of(item), item, manager=manager).raise_for_status()


def server_side_apply(
    plane: ControlPlane, namespace: str, manifests: Iterable[dict[str, Any]], *, manager: str = "kustomize-controller"
) -> None:
    """Applies objects to a namespace as a GitOps tool does, whoever else owns their fields."""
    apply(plane, *(_in(namespace, manifest) for manifest in manifests), manager=manager)


def path_of(manifest: dict[str, Any]) -> str:
    """Returns the path of an object in the API."""
    return f"{_collection(manifest)}/{manifest['metadata']['name']}"


def _collection(manifest: dict[str, Any]) -> str:
    version, metadata = manifest["apiVersion"], manifest["metadata"]
    where = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    plural = re.sub("ys$", "ies", f"{manifest['kind'].lower()}s")
    return f"{'/api' if version == 'v1' else '/apis'}/{version}{where}/{plural}"


def store(plane: ControlPlane, manifests: Iterable[dict[str, Any]]) -> None:
    """Creates many objects in parallel, in the name of kubectl: that is how a tool knows who wrote them."""

    def create(manifest: dict[str, Any]) -> None:
        plane.request("POST", f"{_collection(manifest)}?fieldManager=kubectl", body=manifest).raise_for_status()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(create, manifests))


def at_rest(namespace: str, name: str, **deployments: Any) -> list[dict[str, Any]]:
    """Returns a Rollout with nothing to release: equal Deployments without pods, with more fields in their spec."""
    canary = f"{name}-canary"
    spec = {
        "virtualService": {"name": name},
        "primary": {"name": name, "host": name},
        "canary": {"name": canary, "host": canary},
        "canaryAnalysis": {"stepWeight": 10},
    }
    rollout = {"apiVersion": "apps.weave.works/v1beta1", "kind": "Rollout", "metadata": {"name": name}, "spec": spec}
    return [*(deployment(namespace, one, **deployments) for one in (name, canary)), _in(namespace, rollout)]


def small_release(namespace: str, name: str) -> list[dict[str, Any]]:
    """Returns a Rollout that starts at once and all its objects: one replica each, no metric."""
    canary = f"{name}-canary"
    [rollout] = [item for item in at_rest(namespace, name) if item["kind"] == "Rollout"]
    route = fast_yaml.load((ARTIFACTS / "workloads" / "virtual-service.yaml").read_text())
    route["metadata"] = {"name": name, "namespace": namespace}
    route["spec"]["hosts"] = [name]
    for entry, host in zip(route["spec"]["http"][0]["route"], (name, canary), strict=True):
        entry["destination"]["host"] = host
    ports = [{"name": "http", "port": 9898}]
    services = [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": one, "namespace": namespace},
            "spec": {"selector": {"app": one}, "ports": ports},
        }
        for one in (name, canary)
    ]
    return [*(deployment(namespace, one, replicas=1) for one in (name, canary)), *services, route, rollout]


def deployment(namespace: str, name: str, **spec: Any) -> dict[str, Any]:
    """Returns the example's Deployment with another name, without pods."""
    example = _example()
    labels = {"app": name}
    template = example["spec"]["template"] | {"metadata": {"labels": labels}}
    own = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template, **spec}
    return example | {
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": example["spec"] | own,
    }


@cache
def _example() -> dict[str, Any]:
    manifest: dict[str, Any] = fast_yaml.load((ARTIFACTS / "workloads" / "deployment.yaml").read_text())
    return manifest


def account(plane: ControlPlane, namespace: str, rules: list[dict[str, Any]]) -> Path:
    """Gives a service account of the namespace these rights, and makes it where there is none.

    Returns a kubeconfig for it.
    """
    group, name = "rbac.authorization.k8s.io", {"metadata": {"name": "steerer"}}
    role = {"apiVersion": f"{group}/v1", "kind": "Role", **name, "rules": rules}
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        **name,
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "steerer"},
        "subjects": [{"kind": "ServiceAccount", "name": "steerer", "namespace": namespace}],
    }
    path = f"/apis/{group}/v1/namespaces/{namespace}/roles/steerer"
    if plane.request("GET", path).ok:
        plane.request("PUT", path, body=role).raise_for_status()
    else:
        items = ({"apiVersion": "v1", "kind": "ServiceAccount", **name}, role, binding)
        store(plane, (_in(namespace, item) for item in items))
    return plane.kubeconfig_for(plane.account_token(namespace, "steerer"), namespace=namespace)


def _in(namespace: str, manifest: dict[str, Any]) -> dict[str, Any]:
    return manifest | {"metadata": manifest["metadata"] | {"namespace": namespace}}
