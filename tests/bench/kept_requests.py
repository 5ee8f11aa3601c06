"""The requests of a pass, kept instead of sent: what the barest client sends again (`floor`)."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from urllib3 import HTTPResponse

from reconcile.clusters.kube.cluster import connect
from reconcile.clusters.kube.connection import WORKERS
from reconcile.engine.one_pass import Pass
from reconcile.engine.selection import Selection
from reconcile.metrics import templates
from reconcile.metrics.prometheus import Prometheus
from reconcile.model.plan import Result
from reconcile.model.settings import Settings
from tests.bench.floor import Requests

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.components.controlplane import ControlPlane
    from tests.components.prometheus import PrometheusServer


def requests_of_a_pass(plane: ControlPlane, prometheus: PrometheusServer) -> Requests:
    """Make a pass over all Rollouts whose writes are kept, and not sent. Give its requests to the API server."""
    url = urlsplit(plane.url)
    found = Requests(host=str(url.hostname), port=url.port or 443, authority=str(plane.certificate), width=WORKERS)
    loaded = templates.load()
    with connect(str(plane.kubeconfig), environ={}) as cluster:
        pool = cluster.connection.client.pool
        send = pool.urlopen

        def keep(
            method: str, target: str, body: bytes | None, headers: Mapping[str, str], *rest: Any, **more: Any
        ) -> Any:
            request = _request(method, target, body, {"Host": url.netloc, **headers})
            if method == "GET":
                found.reads.append(request)
                return send(method, target, body, headers, *rest, **more)
            if "/status?" in target:  # the first write of a Rollout
                found.writes.append([])
            found.writes[-1].append(request)
            return HTTPResponse(BytesIO(b"{}"), status=200, preload_content=False)

        pool.urlopen = keep
        cluster.width = 1  # one Rollout after the other
        one_pass = Pass(
            cluster=cluster,
            meter=Prometheus(prometheus.url, loaded),
            settings=Settings(interval=0, metrics=loaded.metrics),
            selection=Selection(),
            now=lambda: datetime.now(UTC),
            budget=600,
        )
        assert all(record.result is Result.APPLIED for record in one_pass.run())
    return found


def _request(method: str, target: str, body: bytes | None, headers: Mapping[str, str]) -> bytes:
    length = {} if body is None else {"Content-Length": str(len(body))}
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in {**headers, **length}.items())]
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")
