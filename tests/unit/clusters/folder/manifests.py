"""A folder with one Service, and what tests write into it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reconcile.clusters.folder.file_write import TEMPORARY
from reconcile.model.kinds import ROLLOUT, SERVICE, Kind, Ref, Scope
from reconcile.model.plan import Event, Patch

if TYPE_CHECKING:
    from pathlib import Path

    from reconcile.model.ports import Cluster

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
ALL = Scope()
PODINFO = Ref(SERVICE, "test", "podinfo")
SERVICE_TEXT = """\
apiVersion: v1
kind: Service
metadata:
  name: podinfo
  namespace: test
spec:
  ports:
  - name: http  # as Istio wants it
    port: 9898
"""


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def service(name: str = "podinfo", namespace: str = "test") -> str:
    return SERVICE_TEXT.replace("name: podinfo", f"name: {name}").replace("namespace: test", f"namespace: {namespace}")


def patch(*operations: dict[str, Any], target: Ref = PODINFO, subresource: str = "") -> Patch:
    return Patch(target=target, api_version="v1", operations=operations, subresource=subresource)


def port(number: int) -> Patch:
    """The patch that changes the port of SERVICE_TEXT."""
    return patch({"op": "add", "path": "/spec/ports/0/port", "value": number})


def names(cluster: Cluster, kind: Kind = SERVICE, scope: Scope = ALL) -> list[str]:
    return [f"{item['metadata']['name']}.{item['metadata']['namespace']}" for item in cluster.list(kind, scope)]


def event(message: str = "Starting rollout for podinfo.test", name: str = "podinfo") -> Event:
    return Event(
        rollout=Ref(ROLLOUT, "test", name),
        api_version="apps.weave.works/v1beta1",
        uid=None,
        revision="v1-1",
        type="Normal",
        message=message,
    )


def temporary_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob(".*") if path.name.endswith(TEMPORARY))
