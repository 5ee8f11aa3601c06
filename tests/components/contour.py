"""Contour, an implementation of the Gateway API, with the Envoy that it steers, two workloads and Prometheus.

It reads routes, Services and endpoints of a namespace of a control plane, and writes what it makes of a route to its
status. Requests are sent by what Envoy got from it. Pods of the control plane run nothing: the endpoints of the two
Services lead to programs here (see `xds`).
"""

from __future__ import annotations

import contextlib
import json
import subprocess
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import requests

from tests.components.load import Load
from tests.components.mesh import DEFAULT_RATE, envoy
from tests.components.processes import Component, Process, answers, free_port
from tests.components.prometheus import PrometheusServer
from tests.components.tools import tool
from tests.components.xds import AddressRelay
from tests.support import fast_yaml

if TYPE_CHECKING:
    from pathlib import Path

    from tests.components.controlplane import ControlPlane

CONTROLLER = "projectcontour.io/gateway-controller"
GATEWAY = "web"
ADDRESS = "test.steerer/address"  # a pod annotated with one has it; see kwok.yaml
_GATEWAY_API = "/apis/gateway.networking.k8s.io/v1"
# Of Contour: a listener of Envoy is at the port of the Gateway's listener and so many more.
_OFFSET = 8000
_DISABLED = ("extensionservices", "tlsroutes", "tcproutes", "backendtlspolicies")
# Contour does not start without these of its own kinds.
_KINDS = ("httpproxies.projectcontour.io", "tlscertificatedelegations.projectcontour.io")


class Contour(Component):
    """Contour and its data plane, running between `with` and its end. What they write is in `directory`.

    `ports` are those of the workloads: each Service has its own as `targetPort`. The pods behind it are to have the
    address `xds.STORED`, by the annotation ADDRESS.
    """

    def __init__(self, directory: Path, plane: ControlPlane, namespace: str, *workloads: str) -> None:
        self.directory, self.namespace = directory, namespace
        self.ports = {workload: free_port() for workload in workloads}
        self.url = ""
        self._plane = plane
        self._prometheus: PrometheusServer | None = None
        self._stats, self._admin = free_port(), free_port()
        super().__init__()

    def _start(self, stack: contextlib.ExitStack) -> None:
        contour, program = tool("contour"), envoy()
        self.directory.mkdir(parents=True)
        self._install()
        for workload, port in self.ports.items():
            options = [f"--port={port}", "--host=127.0.0.1", "--level=error", f"--ui-message={workload}"]
            version = self._run(stack, workload, tool("podinfo"), *options)
            version.wait_ready(partial(answers, f"http://127.0.0.1:{port}/healthz", session=self.session))
        xds, relayed = free_port(), free_port()
        listener = self._start_contour(stack, contour, xds)
        stack.enter_context(AddressRelay(relayed, xds))
        bootstrap = self.directory / "envoy.json"
        command: list[str | Path] = [
            contour,
            "bootstrap",
            bootstrap,
            "--xds-address=127.0.0.1",
            f"--xds-port={relayed}",
        ]
        command.append(f"--admin-address={self.directory / 'admin.sock'}")
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        # Histograms change with a flush only: several of them to a scrape.
        bootstrap.write_text(json.dumps(json.loads(bootstrap.read_text()) | {"stats_flush_interval": "0.25s"}))
        options = [
            "--service-node",
            "envoy",
            "--service-cluster",
            "contour",
            "--disable-hot-restart",
            "--concurrency",
            "1",
            "--log-level",
            "warn",
        ]
        proxy = self._run(stack, "envoy", program, "-c", str(bootstrap), *options)
        proxy.wait_ready(lambda: answers(f"http://127.0.0.1:{self._stats}/ready", session=self.session))
        self.url = f"http://127.0.0.1:{listener}/"
        job = {
            "job_name": "contour",
            "metrics_path": "/stats/prometheus",
            "static_configs": [{"targets": [f"127.0.0.1:{self._stats}"]}],
        }
        config = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": [job]}
        self._prometheus = stack.enter_context(PrometheusServer(self.directory / "prometheus", config=config))

    def _install(self) -> None:
        self._plane.install_gateway_kinds("gatewayclasses", "gateways", "referencegrants")
        every = fast_yaml.load_all(tool("contour-crds").read_text())
        wanted = [crd for crd in every if crd and crd["metadata"]["name"] in _KINDS]
        files = [self.directory / f"{crd['metadata']['name']}.json" for crd in wanted]
        for file, crd in zip(files, wanted, strict=True):
            file.write_text(json.dumps(crd))
        self._plane.install_crds(files)

    def _start_contour(self, stack: contextlib.ExitStack, program: Path, xds: int) -> int:
        listener, health = free_port(), free_port()
        config = {
            "gateway": {"gatewayRef": {"namespace": self.namespace, "name": GATEWAY}},
            "network": {"admin-port": self._admin},
        }
        (self.directory / "contour.yaml").write_text(json.dumps(config))
        self._create_gateway(listener - _OFFSET)
        contour = self._run(
            stack,
            "contour",
            program,
            "serve",
            f"--kubeconfig={self._plane.kubeconfig}",
            f"--config-path={self.directory / 'contour.yaml'}",
            f"--watch-namespaces={self.namespace}",
            "--disable-leader-election",
            *(f"--disable-feature={name}" for name in _DISABLED),
            "--insecure",
            *("--xds-address=127.0.0.1", f"--xds-port={xds}"),
            *("--http-address=127.0.0.1", f"--http-port={free_port()}"),
            *("--health-address=127.0.0.1", f"--health-port={health}"),
            *("--debug-http-address=127.0.0.1", f"--debug-http-port={free_port()}"),
            *("--stats-address=127.0.0.1", f"--stats-port={self._stats}"),
            "--envoy-service-http-address=127.0.0.1",
            "--envoy-http-access-log=/dev/null",
        )
        contour.wait_ready(lambda: answers(f"http://127.0.0.1:{health}/healthz", session=self.session))
        return listener

    def _create_gateway(self, port: int) -> None:
        version, group = _GATEWAY_API.removeprefix("/apis/"), {"spec": {"controllerName": CONTROLLER}}
        of_class = {"apiVersion": version, "kind": "GatewayClass", "metadata": {"name": "contour"}} | group
        answer = self._plane.request("POST", f"{_GATEWAY_API}/gatewayclasses", body=of_class)
        if answer.status_code != HTTPStatus.CONFLICT:  # of another test
            answer.raise_for_status()
        listener = {"name": "http", "protocol": "HTTP", "port": port}
        gateway: dict[str, Any] = {"apiVersion": version, "kind": "Gateway", "metadata": {"name": GATEWAY}}
        gateway["spec"] = {"gatewayClassName": "contour", "listeners": [listener]}
        path = f"{_GATEWAY_API}/namespaces/{self.namespace}/gateways"
        self._plane.request("POST", path, body=gateway).raise_for_status()

    def _run(self, stack: contextlib.ExitStack, name: str, program: Path, *options: str) -> Process:
        process = Process(name, [program, *options], log=self.directory / f"{name}.log")
        stack.callback(process.kill)
        return process

    @property
    def prometheus(self) -> PrometheusServer:
        """The Prometheus that watches Envoy."""
        if self._prometheus is None:
            raise ValueError("Contour is not running")
        return self._prometheus

    # --- Requests ---

    def load(self) -> Load:
        """Sends steady requests through the Gateway, while `with` lasts."""
        return Load(("127.0.0.1", int(self.url.rpartition(":")[2].strip("/"))), "/", rate=DEFAULT_RATE)

    def serves(self) -> bool:
        """Returns whether a request through the Gateway is answered: there is no listener before there is a route."""
        with contextlib.suppress(requests.ConnectionError):
            return self.session.get(self.url, timeout=10).ok
        return False

    def answered_by(self, requests: int) -> dict[str, int]:
        """Sends requests through the Gateway and counts who answered them, as the answers themselves say."""
        names = [self.session.get(self.url, timeout=10).json()["message"] for _ in range(requests)]
        return {name: names.count(name) for name in self.ports}

    def weight(self, workload: str) -> int:
        """Returns the weight that Envoy has for a workload in the first route that splits the traffic, as it says."""
        url = f"http://127.0.0.1:{self._admin}/config_dump?resource=dynamic_route_configs"
        routes = [
            route["route"]
            for config in self.session.get(url, timeout=10).json().get("configs", ())
            for host in config["route_config"].get("virtual_hosts", ())
            for route in host["routes"]
        ]
        for route in routes:
            split = route.get("weighted_clusters", {}).get("clusters") or [{"name": route["cluster"], "weight": 100}]
            return sum(one.get("weight", 0) for one in split if one["name"].split("/")[1] == workload)
        return -1
