"""The processes of a Kubernetes control plane on 127.0.0.1: etcd, API server, controllers, scheduler, and kwok.

Deployments roll out, Jobs run to their end, rights are checked, and every request is on record in the audit log. No
container runs: kwok stands in for the kubelets. Start it by hand with `python -m tests.components.kubernetes`.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import sys
import tempfile
import threading
from base64 import b64encode
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from tests.components import audit
from tests.components.controlplane import HOLD, NODES, Access, ControlPlane
from tests.components.processes import Component, Process, ProcessError, answers, free_port, write_private
from tests.components.tools import tool

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", "kubectl")
_STAGES = Path(__file__).parent / "kwok.yaml"
_MEMORY = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
_ADMINS = 100  # one for each process that is given access

# As the controllers of a cluster that matter to a release, a Job, a Namespace and an account; no autoscaler.
_CONTROLLERS = (
    "clusterrole-aggregation-controller",
    "cronjob-controller",
    "deployment-controller",
    "endpointslice-controller",
    "garbage-collector-controller",
    "job-controller",
    "namespace-controller",
    "replicaset-controller",
    "serviceaccount-controller",
)


class Kubernetes(Component):
    """The control plane, running between `with` and its end. Everything it writes is in `directory`.

    Without `controllers` it is an API server alone: what is stored stays as it is, and nothing takes a core from it.
    `cores` bounds the cores that each of its programs uses: with one it takes a tenth less of them in all.
    """

    def __init__(self, directory: Path, *, controllers: bool = True, cores: int | None = None) -> None:
        self.directory = directory
        self._controllers = controllers
        self._cores = cores
        self._url = ""
        self._audit_log = directory / "audit.log"
        self._certificate = directory / "certificates" / "apiserver.crt"
        super().__init__()
        self._admins = [(f"admin-{number}", secrets.token_hex(16)) for number in range(_ADMINS)]
        self._tokens = {user: secrets.token_hex(16) for user in audit.COMPONENTS}
        self._next = count()

    def access(self) -> Access:
        """Give the access of an admin who is nobody else's."""
        user, token = self._admins[next(self._next)]
        return Access(
            url=self._url,
            certificate=str(self._certificate),
            audit_log=str(self._audit_log),
            user=user,
            token=token,
        )

    def _start(self, stack: contextlib.ExitStack) -> None:
        programs = {name: tool(name) for name in _PROGRAMS}  # before the first starts, so that a missing one is found
        self.directory.mkdir(parents=True, exist_ok=True)
        self._write_credentials()
        etcd = self._start_etcd(stack, programs["etcd"])
        self._start_apiserver(stack, programs["kube-apiserver"], etcd)
        if self._controllers:
            admin = stack.enter_context(ControlPlane(self.access(), self.directory / "components"))
            self._start_controllers(stack, programs, admin)

    def _start_controllers(
        self, stack: contextlib.ExitStack, programs: Mapping[str, Path], admin: ControlPlane
    ) -> None:
        kubeconfig = {user: admin.kubeconfig_for(self._tokens[user]) for user in audit.COMPONENTS}
        controllers, scheduler, kwok = (kubeconfig[user] for user in audit.COMPONENTS)
        manager = self._run(
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
            admin.request("POST", "/api/v1/nodes", body=node).raise_for_status()
        manager.wait_ready(lambda: _settled(admin))

    def _run(self, stack: contextlib.ExitStack, program: Path, *options: str) -> Process:
        log = self.directory / f"{program.name}.log"
        # They are written in Go, and spend a quarter of their time on collecting garbage if they are to stay small.
        environment = os.environ | {"GOGC": "400", "GOMEMLIMIT": str(_MEMORY // 8)}
        if self._cores:
            environment["GOMAXPROCS"] = str(self._cores)
        process = Process(program.name, [program, *options], log=log, environment=environment)
        stack.callback(process.kill)  # all of its state is thrown away
        return process

    def _write_credentials(self) -> None:
        users = [*self._admins, *self._tokens.items()]
        lines = [f"{token},{user},{user},system:masters\n" for user, token in users]
        write_private(self.directory / "tokens.csv", "".join(lines))
        write_private(self.directory / "account.key", _new_key())
        (self.directory / "audit-policy.json").write_text(json.dumps(audit.POLICY))

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
        self._url = f"https://127.0.0.1:{port}"
        key = self.directory / "account.key"
        server = self._run(
            stack,
            program,
            f"--etcd-servers={etcd}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={port}",
            f"--cert-dir={self._certificate.parent}",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-cluster-ip-range=10.0.0.0/16",
            f"--token-auth-file={self.directory / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            # The second would taint every new node and leave it to a controller that is not running to take that off.
            "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
            "--enable-admission-plugins=PodNodeSelector",  # see ControlPlane.no_room
            "--allow-privileged=true",
            "--endpoint-reconciler-type=none",
            f"--audit-policy-file={self.directory / 'audit-policy.json'}",
            f"--audit-log-path={self._audit_log}",
            "--audit-log-maxsize=1000",  # MB; a rotated log would lose the marks
        )
        server.wait_ready(self._certificate.exists)
        self.session.verify = str(self._certificate)
        self.session.headers["Authorization"] = f"Bearer {self._admins[0][1]}"
        server.wait_ready(lambda: answers(f"{self._url}/readyz", session=self.session))


def _settled(admin: ControlPlane) -> bool:
    """Say if the controllers have made what every cluster has, and kwok has brought up the nodes."""
    nodes = admin.request("GET", "/api/v1/nodes").json()["items"]
    ready = [node for node in nodes if node["status"].get("allocatable")]
    account = admin.request("GET", "/api/v1/namespaces/default/serviceaccounts/default")
    return len(ready) == len(NODES) and account.ok


@contextlib.contextmanager
def running(directory: Path, *, controllers: bool = True, kinds: bool = True) -> Iterator[ControlPlane]:
    """Runs a control plane for one admin, and yields it as that one sees it; `kinds`: with Istio's and steerer's."""
    with (
        Kubernetes(directory, controllers=controllers) as kubernetes,
        ControlPlane(kubernetes.access(), directory / "admin") as plane,
    ):
        if kinds:
            plane.install_kinds()
        yield plane


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
            with running(Path(directory)) as plane:
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
