"""A Kubernetes control plane as one of its admins sees it: requests, kubectl, kinds, accounts, and the audit log.

Several admins can use one control plane at a time, each from a process of its own: `requests_since` gives each of them
its own requests only. How a control plane is started is in `kubernetes`.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
import uuid
from base64 import b64encode
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import requests
import urllib3
import yaml

from tests.components.audit import AuditEntry
from tests.components.processes import SHORT_LIVED, local_session, wait_for, write_private
from tests.components.tools import tool
from tests.support import fast_yaml
from tests.support.paths import CRD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

GATEWAY_API = "gateway.networking.k8s.io/v1"
HOLD = "test.steerer/hold"  # a pod annotated "true" with it stays unready; see kwok.yaml
NODES = ("node-0", "node-1", "node-2")

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_RBAC = "rbac.authorization.k8s.io/v1"
_SETTLE = "settle="
# A process of kubectl costs a hundred times what a request does: so there are none for what is done all the time.
_GROUPS = {
    "event": "/api/v1",
    "pod": "/api/v1",
    "service": "/api/v1",
    "serviceaccount": "/api/v1",
    "deployment": "/apis/apps/v1",
    "horizontalpodautoscaler": "/apis/autoscaling/v2",
    "job": "/apis/batch/v1",
    "cronjob": "/apis/batch/v1",
    "virtualservice": "/apis/networking.istio.io/v1",
    "role": "/apis/rbac.authorization.k8s.io/v1",
    "rolebinding": "/apis/rbac.authorization.k8s.io/v1",
    "rollout": "/apis/apps.weave.works/v1beta1",
}
_NODE_SELECTOR = "scheduler.alpha.kubernetes.io/node-selector"  # of the admission plugin PodNodeSelector


@dataclass(frozen=True, kw_only=True)
class Access:
    """What it takes to use a running control plane as one of its admins. It is handed to other processes as JSON."""

    url: str
    certificate: str
    audit_log: str
    user: str
    token: str


class KubectlError(Exception):
    """A kubectl command failed; the text has what it wrote to standard error."""


class ControlPlane:
    """A running control plane, as an admin sees it. Kubeconfigs and kubectl's caches are in `directory`."""

    def __init__(self, access: Access, directory: Path) -> None:
        self.url = access.url
        self.user = access.user
        self.token = access.token
        self.certificate = Path(access.certificate)
        self.directory = directory
        self.audit_log = Path(access.audit_log)
        self.session = local_session()
        self.session.verify = access.certificate
        # For single requests: a session of requests spends more on each than the exchange itself.
        self._pool = urllib3.PoolManager(maxsize=32, ca_certs=access.certificate, retries=False, timeout=30)
        directory.mkdir(parents=True, exist_ok=True)
        self.kubeconfig = self.kubeconfig_for(access.token, path=directory / "kubeconfig")
        self._users = {access.user}
        self._marker = f"test-{uuid.uuid4().hex[:8]}"
        self._marking = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()
        self._pool.clear()

    # --- Requests ---

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        token: str | None = None,
        content_type: str = "application/json",
    ) -> requests.Response:
        """Send one request, as the admin unless a token is given. The status is the caller's to judge."""
        url = self.url + path
        answered = self._pool.request(
            method,
            url,
            body=None if body is None else json.dumps(body),
            headers={"Authorization": f"Bearer {token or self.token}", "Content-Type": content_type},
            redirect=False,
        )
        answer = requests.Response()
        answer.url, answer.status_code, answer.reason = url, answered.status, answered.reason or ""
        answer.headers.update(answered.headers)
        answer.encoding = "utf-8"
        answer.raw = BytesIO(answered.data)
        return answer

    def apply_at(self, path: str, manifest: dict[str, Any], *, manager: str = "kubectl") -> requests.Response:
        """Apply an object at its path of the API on the server, whoever else owns its fields."""
        path = f"{path}?fieldManager={manager}&force=true"
        return self.request("PATCH", path, body=manifest, content_type="application/apply-patch+yaml")

    def merge(self, path: str, change: dict[str, Any]) -> None:
        """Change the fields of an object that are in `change`, at a path of the API."""
        self.request("PATCH", path, body=change, content_type="application/merge-patch+json").raise_for_status()

    def kubectl(self, *args: str, stdin: str | None = None, namespace: str | None = None, check: bool = True) -> str:
        """Run kubectl as the admin and give its standard output. Raises KubectlError if it fails and `check` is set."""
        done = subprocess.run(
            [tool("kubectl"), *([f"--namespace={namespace}"] if namespace else []), *args],
            env={"HOME": str(self.directory), "KUBECONFIG": str(self.kubeconfig), "PATH": os.defpath} | SHORT_LIVED,
            input=stdin or "",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if check and done.returncode != 0:
            raise KubectlError(f"kubectl {' '.join(args)} ended with {done.returncode}:\n{done.stderr.strip()}")
        return done.stdout

    def get(self, what: str, namespace: str) -> dict[str, Any]:
        """Returns an object, such as `deployment/podinfo`, as `kubectl get -o json` prints it, with `managedFields`."""
        kind, _, name = what.partition("/")
        if kind in _GROUPS:
            answer = self.request("GET", f"{_GROUPS[kind]}/namespaces/{namespace}/{kind}s/{name}")
            answer.raise_for_status()
            found: dict[str, Any] = answer.json()
        else:
            found = json.loads(self.kubectl("get", what, "-o", "json", "--show-managed-fields", namespace=namespace))
        return found

    def patch(self, what: str, namespace: str, change: Any, *, manager: str = "kubectl-patch") -> None:
        """Changes an object, such as `deployment/podinfo` or `rollout/podinfo/status`, as `kubectl patch` does.

        A list is a JSON patch, anything else a merge patch.
        """
        kind, _, name = what.partition("/")
        path = f"{_GROUPS[kind]}/namespaces/{namespace}/{kind}s/{name}?fieldManager={manager}"
        content_type = f"application/{'json' if isinstance(change, list) else 'merge'}-patch+json"
        self.request("PATCH", path, body=change, content_type=content_type).raise_for_status()

    def set_image(self, deployment: str, namespace: str, image: str) -> None:
        """Changes the image of the first container, as `kubectl set image` does."""
        [first, *_] = self.get(f"deployment/{deployment}", namespace)["spec"]["template"]["spec"]["containers"]
        change = {"spec": {"template": {"spec": {"containers": [{"name": first["name"], "image": image}]}}}}
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{deployment}?fieldManager=kubectl-set"
        answer = self.request("PATCH", path, body=change, content_type="application/strategic-merge-patch+json")
        answer.raise_for_status()

    def delete(self, what: str, namespace: str) -> None:
        """Deletes an object, such as `rollout/podinfo`, and does not wait until it is gone."""
        kind, _, name = what.partition("/")
        self.request("DELETE", f"{_GROUPS[kind]}/namespaces/{namespace}/{kind}s/{name}").raise_for_status()

    def objects(self, namespace: str, *kinds: str) -> list[dict[str, Any]]:
        """Returns the objects of these kinds, such as `deployment`, as `kubectl get -o json` prints them."""
        found = []
        for kind in kinds:
            answer = self.request("GET", f"{_GROUPS[kind]}/namespaces/{namespace}/{kind}s")
            answer.raise_for_status()
            page = answer.json()
            one = {"apiVersion": page["apiVersion"], "kind": page["kind"].removesuffix("List")}
            found += [one | item for item in page["items"]]
        return found

    def events(self, namespace: str) -> list[dict[str, Any]]:
        """Returns the Events of a namespace."""
        return self.objects(namespace, "event")

    def create_namespace(self, name: str) -> None:
        """Creates a namespace."""
        self.request("POST", "/api/v1/namespaces", body={"metadata": {"name": name}}).raise_for_status()

    def apply(self, manifests: str, *, namespace: str | None = None) -> None:
        """Apply YAML, as `kubectl apply` does."""
        self.kubectl("apply", "--filename=-", stdin=manifests, namespace=namespace)

    def install_crds(self, paths: Iterable[Path]) -> None:
        """Apply the CustomResourceDefinitions in these files and wait until all their versions are served."""
        self._install(crd for path in paths for crd in fast_yaml.load_all(path.read_text()) if crd)

    def install_kinds(self) -> None:
        """Installs Istio's VirtualService and DestinationRule, and steerer's Rollout."""
        self.install_istio_crds()
        self.install_crds([CRD])

    def install_istio_crds(self) -> None:
        """Install those kinds of Istio that the control plane's users need."""
        every = tool("istio-crds").read_text().split("\n---\n")
        names = [f"\n  name: {plural}.networking.istio.io\n" for plural in ("virtualservices", "destinationrules")]
        self._install(fast_yaml.load(text) for name in names for text in every if name in text)

    def install_gateway_kinds(self, *plurals: str) -> None:
        """Installs the Gateway API's HTTPRoute and GRPCRoute, and these others of its kinds, such as `gateways`."""
        wanted = ("httproutes", "grpcroutes", *plurals)
        self.install_crds(
            tool(f"{one}-crd") for one in wanted if not self.request("GET", f"/apis/{GATEWAY_API}/{one}").ok
        )

    def _install(self, crds: Iterable[dict[str, Any]]) -> None:
        for crd in crds:
            applied, spec = self.apply_at(f"{_CRDS}/{crd['metadata']['name']}", crd), crd["spec"]
            if applied.status_code != HTTPStatus.CONFLICT:  # another process creates it just now
                applied.raise_for_status()
            for version in (one["name"] for one in spec["versions"] if one["served"]):
                self._wait_served(f"{spec['group']}/{version}", spec["names"]["plural"])

    def _wait_served(self, group_version: str, plural: str) -> None:
        """Wait until objects can be asked for, and discovery, which kubectl goes by, lists them."""

        def served() -> bool:
            known = self.request("GET", f"/apis/{group_version}")
            return (
                known.ok
                and any(resource["name"] == plural for resource in known.json()["resources"])
                and self.request("GET", f"/apis/{group_version}/{plural}").ok
            )

        wait_for(served, f"{plural} in {group_version} to be served")

    # --- Pods ---

    @contextlib.contextmanager
    def no_room(self, namespace: str) -> Iterator[None]:
        """Let no new pod of the namespace be scheduled until the end: a rolling update begins and does not finish.

        Unlike the annotation that holds a pod this leaves all templates alone: the server gives each new pod a node
        selector. No node has the label until the end.
        """
        room = f"test.steerer/room-{uuid.uuid4().hex[:8]}"
        self.merge(f"/api/v1/namespaces/{namespace}", {"metadata": {"annotations": {_NODE_SELECTOR: f"{room}=yes"}}})
        try:
            self._wait_for_selector(namespace, room)
            yield
        finally:
            self.merge(f"/api/v1/namespaces/{namespace}", {"metadata": {"annotations": {_NODE_SELECTOR: None}}})
            self.merge(f"/api/v1/nodes/{NODES[0]}", {"metadata": {"labels": {room: "yes"}}})

    def _wait_for_selector(self, namespace: str, room: str) -> None:
        pod = {"metadata": {"name": "probe"}, "spec": {"containers": [{"name": "none", "image": "none"}]}}

        def selected() -> bool:
            answer = self.request("POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All", body=pod)
            answer.raise_for_status()
            return room in answer.json()["spec"].get("nodeSelector", {})

        wait_for(selected, f"the server to give the pods of {namespace} a node selector")

    # --- Accounts ---

    def account_token(self, namespace: str, name: str) -> str:
        """Give a token of this ServiceAccount (a TokenRequest), to act with the rights that it has been given."""
        self.await_rights()
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
        answer = self.request("POST", path, body=body)
        answer.raise_for_status()
        self._users.add(f"system:serviceaccount:{namespace}:{name}")
        token: str = answer.json()["status"]["token"]
        return token

    def await_rights(self) -> None:
        """Wait until the API server judges by every role and binding that was written before.

        It judges by copies, which it follows kind by kind: what counts of a role and a binding written now, counts of
        all those before them too.
        """
        with self._marking:
            self._await_right("Role", "default")
            self._await_right("ClusterRole", "")

    def _await_right(self, kind: str, namespace: str) -> None:
        """Give somebody new a right by the role and the binding that are there for this, and wait until it counts."""
        word, scope = f"right-{uuid.uuid4()}", f"namespaces/{namespace}/" if namespace else ""
        group = {"apiGroup": _RBAC.partition("/")[0]}
        reference, subject = group | {"kind": kind, "name": self._marker}, group | {"kind": "User", "name": word}
        for own, parts in (
            (kind, {"rules": [{"apiGroups": [""], "resources": [word], "verbs": ["get"]}]}),
            (f"{kind}Binding", {"roleRef": reference, "subjects": [subject]}),
        ):
            body = {"apiVersion": _RBAC, "kind": own, "metadata": {"name": self._marker}} | parts
            self.apply_at(f"/apis/{_RBAC}/{scope}{own.lower()}s/{self._marker}", body).raise_for_status()
        asked = {"verb": "get", "resource": word, "namespace": namespace}
        wait_for(partial(self._may, word, asked), "the new rights", every=0.005)

    def _may(self, user: str, asked: dict[str, str]) -> bool:
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview"}
        body = review | {"spec": {"user": user, "resourceAttributes": asked}}
        answer = self.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body=body)
        answer.raise_for_status()
        allowed: bool = answer.json()["status"]["allowed"]
        return allowed

    def kubeconfig_for(self, token: str, *, namespace: str = "default", path: Path | None = None) -> Path:
        """Write a kubeconfig that acts with `token` and give its path."""
        path = path or self.directory / f"kubeconfig-{uuid.uuid4().hex[:12]}"
        certificate = b64encode(self.certificate.read_bytes()).decode()
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": "test", "cluster": {"server": self.url, "certificate-authority-data": certificate}},
            ],
            "users": [{"name": "test", "user": {"token": token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": namespace}}],
            "current-context": "test",
        }
        write_private(path, yaml.safe_dump(config))
        return path

    # --- The record of requests ---

    def settle(self) -> None:
        """Wait until every request that was answered so far is in the audit log."""
        self._settle()

    def mark(self) -> int:
        """Give the place that the audit log has reached, for `requests_since`."""
        return self._settle()

    def is_ours(self, event: dict[str, Any]) -> bool:
        """Say whether a line of the audit log is about a request of this admin, or of an account it has a token of."""
        return event.get("user", {}).get("username") in self._users

    def requests_since(self, mark: int, *, namespace: str = "") -> list[AuditEntry]:
        """List the requests of this admin and of the accounts that it has tokens of, in the log's order.

        A watch counts when it starts, not a second time when it ends. With a `namespace`: those that are about it.
        """
        about = f'"namespace":"{namespace}"'.encode() if namespace else b""
        end = self._settle()
        with self.audit_log.open("rb") as log:
            log.seek(mark)
            events = [json.loads(line) for line in log.read(end - mark).splitlines() if about in line]
        return [
            AuditEntry.parse(event)
            for event in events
            if self.is_ours(event)
            and (not namespace or event.get("objectRef", {}).get("namespace") == namespace)
            and (event["verb"] != "watch" or event["stage"] == "ResponseStarted")
            and _SETTLE not in event["requestURI"]
        ]

    def _settle(self) -> int:
        """Send a request that can be told from all others, wait for its line, and give where that line ends."""
        start = self.audit_log.stat().st_size
        marker = f"{_SETTLE}{uuid.uuid4()}"
        self.request("GET", f"/version?{marker}").raise_for_status()
        place = -1

        def written() -> bool:
            nonlocal place
            with self.audit_log.open("rb") as log:
                log.seek(start)
                text = log.read()
            found = text.find(marker.encode())
            end = text.find(b"\n", found)
            place = start + end + 1
            return found >= 0 and end >= 0

        wait_for(written, "the audit log", every=0.01)
        return place
