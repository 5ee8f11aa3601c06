"""The endpoints of a Service, as EndpointSlices have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.model.fields import mappings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconcile.model.kinds import Manifest

SERVICE_NAME = "kubernetes.io/service-name"
"""The label of an EndpointSlice that has the name of its Service."""


def ready_ports(slices: Iterable[Manifest]) -> frozenset[str]:
    """Returns the names of the ports over which an endpoint is ready; "" is the name of a port without one."""
    with_ready = [item for item in slices if any(map(_is_ready, mappings(item.get("endpoints"))))]
    return frozenset(str(port.get("name") or "") for item in with_ready for port in mappings(item.get("ports")))


def _is_ready(endpoint: Manifest) -> bool:
    """Returns whether an endpoint takes traffic. The API has it that an unknown state counts as ready."""
    return (endpoint.get("conditions") or {}).get("ready") is not False
