"""A release as its user has it: the shipped example in a cluster and a mesh, and the program run tick after tick.

What is expected stands in the test; here is only what it takes to play and to look.
"""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import yaml

from tests.apiserver.steering import rolled_out
from tests.components import processes, proxy
from tests.components.processes import local_session
from tests.support import forked
from tests.support.paths import ARTIFACTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.components.controlplane import ControlPlane
    from tests.components.mesh import Mesh

TICK = 2  # seconds from the end of one pass to the next, and the least time between two advances
WINDOW = "10s"  # what the metrics look back on
STEP = 30
SUCCESS, DURATION = "istio_requests_total", "istio_request_duration_seconds_bucket"

wait_for = partial(processes.wait_for, every=0.25)
"""Prometheus sees what happens once a second: looking more often is work for nothing."""

_LONGEST = 90.0  # seconds that are enough for whatever is waited for, on a machine with better things to do


class Release:
    """The example of `artifacts/` in a namespace of a control plane, with metrics that look back on seconds.

    Nothing of it is changed but that, the size of a step, and the namespace.
    """

    def __init__(self, plane: ControlPlane, mesh: Mesh, namespace: str) -> None:
        self.plane = plane
        self.mesh = mesh
        self.users = mesh.load()
        self.namespace = namespace
        self.full_name = f"podinfo.{namespace}"
        self.records: list[dict[str, Any]] = []
        self._answered: tuple[int, int] | None = None
        self._routed: tuple[int, int] | None = None
        self._kept: tuple[int, int] | None = None
        self.session = local_session()  # for the shim, which asks from a thread of its own
        self.session.verify = str(plane.certificate)
        self.session.headers["Authorization"] = f"Bearer {plane.token}"

    def apply(self) -> None:
        """Apply the example, and wait for its pods."""
        files = [*sorted((ARTIFACTS / "workloads").glob("*.yaml")), ARTIFACTS / "rollouts" / "podinfo.yaml"]
        manifests = [yaml.safe_load(file.read_text()) for file in files]
        for manifest in manifests:
            manifest["metadata"]["namespace"] = self.namespace
        analysis = manifests[-1]["spec"]["canaryAnalysis"]
        analysis["stepWeight"] = STEP
        for metric in analysis["metrics"]:
            metric["interval"] = WINDOW
        self.plane.apply(yaml.safe_dump_all(manifests), namespace=self.namespace)
        rolled_out(self.plane, self.namespace, "podinfo", "podinfo-canary")

    # --- Passes ---

    def tick(self, metrics_server: str | None = None) -> dict[str, Any]:
        """Let a tick go by and make one pass, as a CronJob would: in a process of its own. Gives its record."""
        time.sleep(TICK)
        return self.run_pass(metrics_server, interval=TICK)

    def run_pass(self, metrics_server: str | None = None, *, interval: int = 0) -> dict[str, Any]:
        """Make one pass now. Gives its record."""
        printed = self.steerer(
            "run",
            f"--metrics-server={metrics_server or self.mesh.prometheus_url}",
            f"--control-loop-interval={interval}s",
            "--output=json",
        )
        record: dict[str, Any]
        [record] = json.loads(printed)["rollouts"]
        assert record["result"] == "applied", record
        self.records.append(record)
        return record

    def steerer(self, verb: str, *options: str) -> str:
        """Run the program about this release, in a process of its own. Gives what it prints."""
        where = (f"--kubeconfig={self.plane.kubeconfig}", f"--namespace={self.namespace}")
        home = {"HOME": str(self.plane.directory)}
        done = forked.run([verb, "podinfo", *where, *options], cwd=self.plane.directory, env=home, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ticks_until(self, move: str) -> list[dict[str, Any]]:
        """Make passes until one of them makes this move; that one comes last."""
        made = [self.tick()]
        deadline = time.monotonic() + _LONGEST
        while made[-1]["move"] != move:
            if time.monotonic() > deadline:
                reasons = "\n".join(f"{record['move']}: {record['reason']}" for record in made)
                raise TimeoutError(
                    f"waited {_LONGEST:g} s for a pass that moves on by {move}; these were made:\n{reasons}"
                )
            made.append(self.tick())
        return made

    # --- The cluster ---

    def get(self, resource: str, name: str = "podinfo") -> dict[str, Any]:
        """Give an object as it is stored."""
        return self.plane.get(f"{resource}/{name}", self.namespace)

    def weights(self) -> tuple[int, int]:
        """Give the stored weights: of the primary, of the canary."""
        return _weights(self.get("virtualservice"))

    def image(self, name: str) -> str:
        """Give what the pods of a Deployment are to run."""
        [container] = self.get("deployment", name)["spec"]["template"]["spec"]["containers"]
        return str(container["image"])

    def events(self) -> list[dict[str, Any]]:
        """Give the stored Events of the Rollout."""
        return [event for event in self.plane.events(self.namespace) if event["involvedObject"]["kind"] == "Rollout"]

    # --- The mesh ---

    @contextmanager
    def routed_as_before(self) -> Iterator[None]:
        """Let the proxy keep the weights that are stored now, whatever is stored while `with` lasts."""
        self.wait_routed()
        self._kept = self._routed
        try:
            yield
        finally:
            self._kept = None

    def weights_for_the_proxy(self) -> tuple[int, int]:
        """Give the stored weights to the shim. It asks for the next ones when the proxy has taken these."""
        if self._kept is not None:
            return self._kept
        path = f"/apis/networking.istio.io/v1/namespaces/{self.namespace}/virtualservices/podinfo"
        answer = self.session.get(self.plane.url + path, timeout=30)
        answer.raise_for_status()
        self._routed, self._answered = self._answered, _weights(answer.json())
        return self._answered

    def wait_routed(self) -> None:
        """Wait until the proxy goes by the weights that are stored now."""
        stored = self.weights()
        wait_for(lambda: self._routed == stored, f"the proxy to route {stored}", seconds=_LONGEST)

    def answers(self, requests: int) -> dict[str, int]:
        """Send requests by the weights and count who answered them, as the answers themselves say."""
        names = [self.mesh.get().json()["message"] for _ in range(requests)]
        return {name: names.count(name) for name in (self.mesh.primary, self.mesh.canary)}

    # --- Prometheus ---

    def asked(self) -> int:
        """Count the queries that Prometheus has been asked so far, by itself."""
        page = self.mesh.session.get(f"{self.mesh.prometheus_url}/metrics", timeout=10).text
        name = "prometheus_http_requests_total{"
        return sum(
            int(float(line.split()[-1]))
            for line in page.splitlines()
            if line.startswith(name) and 'handler="/api/v1/query"' in line
        )

    def figure(self, metric: str) -> float | None:
        """Ask now what the program asked last for this metric. None: there is no figure."""
        queries = [entry["query"] for record in self.records for entry in record["measurements"]]
        [*_, query] = [query for query in queries if metric in query]
        result = self.mesh.prometheus.query(query)
        return float(result[0]["value"][1]) if result else None

    def wait_seen(self, workload: str) -> None:
        """Wait until Prometheus has series of the requests to a workload: two scrapes of each."""
        names = ("istio_requests_total", "istio_request_duration_milliseconds_bucket")
        rates = [f'sum(rate({name}{{destination_workload="{workload}"}}[{WINDOW}])) > 0' for name in names]
        wait_for(lambda: all(map(self.mesh.prometheus.query, rates)), f"series of {workload}", seconds=_LONGEST)

    def figures_about(self, record: dict[str, Any], metric: str) -> list[float]:
        """Give all that Prometheus answers to the query of a pass about its time.

        A record has whole seconds, so the pass may have asked up to one later; and a scrape counts for its beginning,
        so what a pass found may be what is stored for up to one earlier.
        """
        at = datetime.fromisoformat(record["time"]).timestamp()
        query = measurement(record, metric)["query"]
        [series] = self.mesh.prometheus.query(f"({query})[2500ms:50ms]", at=at + 1)
        return [float(value) for _, value in series["values"]]


def measurement(record: dict[str, Any], metric: str) -> dict[str, Any]:
    """Give what a pass measured of this metric."""
    found: dict[str, Any]
    [found] = [entry for entry in record["measurements"] if entry["name"] == metric]
    return found


def messages(record: dict[str, Any]) -> list[str]:
    """Give what the Events of a pass say."""
    return [event["message"] for event in record["events"]]


def _weights(virtual_service: dict[str, Any]) -> tuple[int, int]:
    weights = proxy.weights_of(virtual_service)
    return weights["podinfo"], weights["podinfo-canary"]
