"""A Kubernetes control plane on 127.0.0.1: API server, etcd, controllers, scheduler, and kwok in place of kubelets.

Deployments roll out, Jobs run to their end, rights are checked, and every request is on record in the audit log. No
container runs. Start it by hand with `python -m tests.components.controlplane`.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import uuid
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import yaml

from tests.components.processes import Component, Process, ProcessError, answers, free_port, wait_for
from tests.components.tools import tool
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import requests

HOLD = "test.steerer/hold"  # a pod annotated "true" with it stays unready; see kwok.yaml
NODES = ("node-0", "node-1", "node-2")

_PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", "kubectl")
_SETTLE = "settle="
_STAGES = Path(__file__).parent / "kwok.yaml"

# As the controllers of a cluster that matter to a Deployment, a Job, a Namespace and an account; no autoscaler.
_CONTROLLERS = (
    "clusterrole-aggregation-controller",
    "cronjob-controller",
    "deployment-controller",
    "garbage-collector-controller",
    "job-controller",
    "namespace-controller",
    "replicaset-controller",
    "serviceaccount-controller",
)

# The components' own requests are left out: they would be most of the log, and are not what a test asks about.
_COMPONENTS = ("system:test:controllers", "system:test:scheduler", "system:test:kwok")
_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "users": [*_COMPONENTS, "system:apiserver"]},
        {"level": "Metadata", "verbs": ["get", "list", "watch"]},
        {
            # What is a pass's to write, as each write leaves it behind: the laws are held against that.
            "level": "RequestResponse",
            "omitManagedFields": True,
            "resources": [
                {"group": "apps", "resources": ["deployments"]},
                {"group": "networking.istio.io", "resources": ["virtualservices"]},
                {"group": "apps.weave.works", "resources": ["rollouts", "rollouts/status"]},
            ],
        },
        {"level": "Request"},
    ],
}


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """One request, as the API server put it on record. `resource` is "" for a path that is none, like /version.

    `group` is "" for the core group, `code` the HTTP status. `body` is what a write sent, parsed, and None for get,
    list and watch.
    """

    verb: str
    group: str
    resource: str
    subresource: str
    namespace: str
    name: str
    user: str
    user_agent: str
    code: int
    uri: str
    body: Any
    after: Any

    @classmethod
    def parse(cls, event: dict[str, Any]) -> Self:
        """Read an event of audit.k8s.io/v1."""
        target = event.get("objectRef", {})
        return cls(
            verb=event["verb"],
            group=target.get("apiGroup", ""),
            resource=target.get("resource", ""),
            subresource=target.get("subresource", ""),
            namespace=target.get("namespace", ""),
            name=target.get("name", ""),
            user=event.get("user", {}).get("username", ""),
            user_agent=event.get("userAgent", ""),
            code=event.get("responseStatus", {}).get("code", 0),
            uri=event["requestURI"],
            body=event.get("requestObject"),
            after=event.get("responseObject"),
        )


class KubectlError(Exception):
    """A kubectl command failed; the text has what it wrote to standard error."""


class ControlPlane(Component):
    """The control plane, running between `with` and its end. Everything it writes is in `directory`.

    Without `controllers` it is an API server alone: what is stored stays as it is, and nothing takes a core from it.
    """

    def __init__(self, directory: Path, *, controllers: bool = True) -> None:
        self.directory = directory
        self._controllers = controllers
        self.url = ""
        self.token = secrets.token_hex(16)
        self.kubeconfig = directory / "kubeconfig"
        self.audit_log = directory / "audit.log"
        self.certificate = directory / "certificates" / "apiserver.crt"
        super().__init__()
        self._tokens = {user: secrets.token_hex(16) for user in _COMPONENTS}

    # --- Starting ---

    def _start(self, stack: contextlib.ExitStack) -> None:
        programs = {name: tool(name) for name in _PROGRAMS}  # before the first starts, so that a missing one is found
        self.directory.mkdir(parents=True, exist_ok=True)
        self._write_credentials()
        etcd = self._start_etcd(stack, programs["etcd"])
        self._start_apiserver(stack, programs["kube-apiserver"], etcd)
        if self._controllers:
            self._start_controllers(stack, programs)

    def _start_controllers(self, stack: contextlib.ExitStack, programs: Mapping[str, Path]) -> None:
        kubeconfig = {user: self.kubeconfig_for(self._tokens[user]) for user in _COMPONENTS}
        controllers, scheduler, kwok = (kubeconfig[user] for user in _COMPONENTS)
        running = self._run(
            stack,
            programs["kube-controller-manager"],
            f"--kubeconfig={controllers}",
            f"--controllers={','.join(_CONTROLLERS)}",
            f"--service-account-private-key-file={self.directory / 'account.key'}",
            "--leader-elect=false",
            "--secure-port=0",
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
        )
        self._run(
            stack,
            programs["kube-scheduler"],
            f"--kubeconfig={scheduler}",
            "--leader-elect=false",
            "--secure-port=0",
        )
        self._run(
            stack,
            programs["kwok"],
            f"--kubeconfig={kwok}",
            f"--config={_STAGES}",
            "--manage-all-nodes",
            "--node-ip=127.0.0.1",
            "--node-port=0",
            "--node-lease-duration-seconds=0",
        )
        for name in NODES:
            node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}
            self.request("POST", "/api/v1/nodes", body=node).raise_for_status()
        running.wait_ready(self._settled)

    def _run(self, stack: contextlib.ExitStack, program: Path, *options: str) -> Process:
        log = self.directory / f"{program.name}.log"
        process = Process(program.name, [program, *options], log=log)
        stack.callback(process.kill)  # all of its state is thrown away
        return process

    def _write_credentials(self) -> None:
        users = [(self.token, "admin"), *((token, user) for user, token in self._tokens.items())]
        lines = [f"{token},{user},{user},system:masters\n" for token, user in users]
        _write_private(self.directory / "tokens.csv", "".join(lines))
        _write_private(self.directory / "account.key", _new_key())
        (self.directory / "audit-policy.json").write_text(json.dumps(_AUDIT_POLICY))

    def _start_etcd(self, stack: contextlib.ExitStack, program: Path) -> str:
        url, peers = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        etcd = self._run(
            stack,
            program,
            f"--data-dir={self.directory / 'etcd'}",
            f"--listen-client-urls={url}",
            f"--advertise-client-urls={url}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=default={peers}",
            "--log-level=warn",
            "--unsafe-no-fsync",
        )
        etcd.wait_ready(lambda: answers(f"{url}/health", session=self.session))
        return url

    def _start_apiserver(self, stack: contextlib.ExitStack, program: Path, etcd: str) -> None:
        port = free_port()
        self.url = f"https://127.0.0.1:{port}"
        key = self.directory / "account.key"
        server = self._run(
            stack,
            program,
            f"--etcd-servers={etcd}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={port}",
            f"--cert-dir={self.certificate.parent}",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-cluster-ip-range=10.0.0.0/16",
            f"--token-auth-file={self.directory / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            # The second would taint every new node and leave it to a controller that is not running to take that off.
            "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
            "--allow-privileged=true",
            "--endpoint-reconciler-type=none",
            f"--audit-policy-file={self.directory / 'audit-policy.json'}",
            f"--audit-log-path={self.audit_log}",
            "--audit-log-maxsize=1000",  # MB; a rotated log would lose the marks
        )
        server.wait_ready(self.certificate.exists)
        self.session.verify = str(self.certificate)
        server.wait_ready(lambda: self.request("GET", "/readyz").ok)
        self.kubeconfig_for(self.token, path=self.kubeconfig)

    def _settled(self) -> bool:
        """Say if the controllers have made what every cluster has, and kwok has brought up the nodes."""
        nodes = self.request("GET", "/api/v1/nodes").json()["items"]
        ready = [node for node in nodes if node["status"].get("allocatable")]
        account = self.request("GET", "/api/v1/namespaces/default/serviceaccounts/default")
        return len(ready) == len(NODES) and account.ok

    # --- Talking to it ---

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
        return self.session.request(
            method,
            self.url + path,
            data=None if body is None else json.dumps(body),
            headers={"Authorization": f"Bearer {token or self.token}", "Content-Type": content_type},
            timeout=30,
        )

    def kubectl(self, *args: str, stdin: str | None = None, namespace: str | None = None, check: bool = True) -> str:
        """Run kubectl as the admin and give its standard output. Raises KubectlError if it fails and `check` is set."""
        done = subprocess.run(
            [tool("kubectl"), *([f"--namespace={namespace}"] if namespace else []), *args],
            env={"HOME": str(self.directory), "KUBECONFIG": str(self.kubeconfig), "PATH": os.defpath},
            input=stdin or "",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if check and done.returncode != 0:
            raise KubectlError(f"kubectl {' '.join(args)} ended with {done.returncode}:\n{done.stderr.strip()}")
        return done.stdout

    def apply(self, manifests: str, *, namespace: str | None = None) -> None:
        """Apply YAML, as `kubectl apply` does."""
        self.kubectl("apply", "--filename=-", stdin=manifests, namespace=namespace)

    def install_crds(self, paths: Iterable[Path]) -> None:
        """Apply the CustomResourceDefinitions in these files and wait until all their versions are served."""
        self._install(crd for path in paths for crd in yaml.safe_load_all(path.read_text()) if crd)

    def install_istio_crds(self) -> None:
        """Install Istio's VirtualService, the one that the control plane's users need."""
        every = tool("istio-crds").read_text().split("\n---\n")
        [crd] = [text for text in every if "\n  name: virtualservices.networking.istio.io\n" in text]
        self._install([yaml.safe_load(crd)])

    def _install(self, crds: Iterable[dict[str, Any]]) -> None:
        for crd in crds:
            # By the server: the annotation of the other way has no room for the biggest of them.
            self.kubectl("apply", "--server-side", "--filename=-", stdin=json.dumps(crd))
            spec = crd["spec"]
            served = [version["name"] for version in spec["versions"] if version["served"]]
            for version in served:
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

    @contextlib.contextmanager
    def no_room(self) -> Iterator[None]:
        """Let no new pod be scheduled, in any namespace, until the end: a rolling update begins and does not finish.

        Unlike the annotation that holds a pod this leaves all templates alone. Pods go on within about a second of it.
        """
        self.kubectl("cordon", *NODES)
        try:
            self._wait_for_no_room()
            yield
        finally:
            self.kubectl("uncordon", *NODES)

    def _wait_for_no_room(self) -> None:
        """Wait until the scheduler knows, which a pod that it refuses proves."""
        pods = "/api/v1/namespaces/default/pods"
        name = f"no-room-{uuid.uuid4().hex[:8]}"
        pod = {"metadata": {"name": name}, "spec": {"containers": [{"name": "none", "image": "none"}]}}

        def refused() -> bool:
            conditions = self.request("GET", f"{pods}/{name}").json()["status"].get("conditions", [])
            return any(condition.get("reason") == "Unschedulable" for condition in conditions)

        self.request("POST", pods, body=pod).raise_for_status()
        try:
            wait_for(refused, "the scheduler to see that there is no room")
        finally:
            self.request("DELETE", f"{pods}/{name}").raise_for_status()

    def account_token(self, namespace: str, name: str) -> str:
        """Give a token of this ServiceAccount (a TokenRequest), to act with its rights."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
        answer = self.request("POST", path, body=body)
        answer.raise_for_status()
        token: str = answer.json()["status"]["token"]
        return token

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
        _write_private(path, yaml.safe_dump(config))
        return path

    # --- The record of requests ---

    def settle(self) -> None:
        """Wait until every request that was answered so far is in the audit log."""
        self._settle()

    def mark(self) -> int:
        """Give the place that the audit log has reached, for `requests_since`."""
        return self._settle()

    def requests_since(self, mark: int, *, namespace: str = "") -> list[AuditEntry]:
        """List the requests of everybody but the control plane's own components, in the log's order.

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
            if (not namespace or event.get("objectRef", {}).get("namespace") == namespace)
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

        wait_for(written, "the audit log")
        return place


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


def _new_key() -> str:
    """Make a key to sign accounts' tokens with: SEC 1 (RFC 5915) of P-256, the public half left out as Go derives it.

    Any 32 bytes are one, but for a part in 2**32 that would end the API server with a clear message.
    """
    der = bytes.fromhex("30310201010420") + secrets.token_bytes(32) + bytes.fromhex("a00a06082a8648ce3d030107")
    return f"-----BEGIN EC PRIVATE KEY-----\n{b64encode(der).decode()}\n-----END EC PRIVATE KEY-----\n"


def main() -> int:
    """Run a control plane with steerer's and Istio's kinds until Ctrl-C."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with tempfile.TemporaryDirectory(prefix="steerer-") as directory:
        try:
            with ControlPlane(Path(directory)) as plane:
                plane.install_istio_crds()
                plane.install_crds(path for path in [ROOT / "manifests" / "crd.yaml"] if path.exists())
                print(f"export KUBECONFIG={plane.kubeconfig}")  # noqa: T201
                print(f"# kubectl is {tool('kubectl')}; pods become ready but run nothing;", flush=True)  # noqa: T201
                print(f'# annotate a pod {HOLD}: "true" and it stays unready. Ctrl-C ends it all.', flush=True)  # noqa: T201
                stop.wait()
        except ProcessError as error:
            print(error, file=sys.stderr)  # noqa: T201
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
