"""Whether pods are reached by a Service, over the ports that the managed routes use: by a template, and now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.model.endpoints import ready_ports
from reconcile.model.fields import mappings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from reconcile.core.routers.split import UsedPort
    from reconcile.model.destination_rule import Subset
    from reconcile.model.kinds import Manifest, Ref
    from reconcile.model.service import Service


def unreached(service: Service, template: Manifest, pods: str, ports: Collection[UsedPort]) -> str | None:
    """Returns why a Service would not lead to the pods of a template; None if it would.

    `pods` is what messages call them. What a Service without a selector leads to cannot be told: it counts as reached.
    """
    if not service.selector:
        return None
    if not service.selects((template.get("metadata") or {}).get("labels") or {}):
        return f"{service.ref} (spec.selector) does not select {pods}"
    for used in sorted(ports, key=str):
        port = service.used_by(used.number, needs_http=used.is_http)
        if port is None:
            return _without_port(service, used)
        if used.is_http and not port.is_http:
            number = f"port {used.number}, which the route uses,"
            return f"{service.ref} (spec.ports): Istio takes {number} for no HTTP ({port})"
        if isinstance(port.target, str) and port.target not in container_ports(template):
            return f'{service.ref} (spec.ports[].targetPort) leads to port "{port.target}", which {pods} do not have'
    return None


def outside(
    service: Ref, named: Collection[str], subsets: Iterable[Subset], template: Manifest, pods: str
) -> str | None:
    """Returns why the pods of a template would not be in a subset of their Service that a route names; None if in all.

    `subsets` are all that are defined for the Service. `pods` is what messages call the pods.
    """
    defined, labels = [*subsets], (template.get("metadata") or {}).get("labels") or {}
    for name in sorted(named):
        found = [subset for subset in defined if subset.name == name]
        if not found:
            return (
                f'subset "{name}" of Service {service.full_name} (destination.subset of the route) is defined by no '
                f"DestinationRule of namespace {service.namespace}"
            )
        if missed := next((subset for subset in found if not subset.selects(labels)), None):
            return f"{missed.rule} (spec.subsets[{name}].labels) does not select {pods}"
    return None


def without_endpoints(service: Service, slices: Iterable[Manifest], ports: Collection[UsedPort]) -> str | None:
    """Returns why traffic over these ports of a Service would be lost now; None if each has a ready endpoint.

    `slices` are its EndpointSlices. They are also there for a Service that is headless or has no selector.
    """
    ready = ready_ports(slices)
    for used in sorted(ports, key=str):
        port = service.used_by(used.number, needs_http=used.is_http)
        if port is None:
            return _without_port(service, used)
        if port.name not in ready:
            return (
                f"{service.ref} has no ready endpoint for port {port.number}: see which pods it selects, and which "
                f"ports they have: kubectl -n {service.ref.namespace} describe service {service.ref.name}"
            )
    return None


def _without_port(service: Service, used: UsedPort) -> str:
    number = used.number or ("for HTTP" if used.is_http else "at all")
    return f"{service.ref} (spec.ports) has no port {number}, which the route uses"


def container_ports(template: Manifest) -> set[str]:
    """Returns the names of the ports of all containers of a template."""
    ports = (port for container in _containers(template) for port in mappings(container.get("ports")))
    return {str(port["name"]) for port in ports if "name" in port}


def _containers(template: Manifest) -> Iterator[Manifest]:
    """Yields the containers, and those init containers that go on running beside them."""
    spec = template.get("spec") or {}
    yield from mappings(spec.get("containers"))
    yield from (item for item in mappings(spec.get("initContainers")) if item.get("restartPolicy") == "Always")
