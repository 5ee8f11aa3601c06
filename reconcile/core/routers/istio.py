"""Istio's VirtualService: its http, tcp and tls routes, their weights in percent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.core.routers.istio_matches import takes_all_of
from reconcile.core.routers.split import (
    FULL,
    Backend,
    End,
    ManagedRoute,
    RouteEntry,
    Split,
    UsedPort,
    entry_tests,
    managed_routes,
)
from reconcile.model.errors import InvalidObjectError
from reconcile.model.names import short_host
from reconcile.model.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.model.kinds import Manifest

# The gateway that stands for all sidecars.
MESH = "mesh"
# The destinations of a managed route: primary and canary.
PAIR = 2
HTTP = "http"
LISTS = (HTTP, "tcp", "tls")
# The lists have no merge keys: in managedFields, a manager that writes one weight owns the whole list.
WRITTEN = tuple(("spec", kind) for kind in LISTS)
IGNORING = (
    "Argo CD: ignoreDifferences with jqPathExpressions .spec.http[]?.route[]?.weight, "
    "Flux: spec.ignore with /spec/http/0/route/0/weight and its like"
)


def read(manifest: Manifest, *, namespace: str, primary: str, canary: str) -> Split:
    """Returns the managed routes: those whose destinations are exactly the two Services, once each.

    `primary` and `canary` are short names of Services. Raises InvalidObjectError with a path for each route that
    cannot be weighted, and where there is no managed route at all.
    """
    if not_lists := _not_lists(manifest):
        raise InvalidObjectError(tuple(not_lists))
    managed = managed_routes(
        every(manifest, namespace),
        (primary, canary),
        lambda route: _route_problems(route, route.counts(primary, canary)),
        lambda route: _managed(route, primary, canary),
        lambda single: _nothing_managed(primary, canary, single),
    )
    return Split(routes=managed)


def every(manifest: Manifest, namespace: str) -> Iterator[RouteEntry]:
    """Yields each route that has destinations, http before tcp and tls."""
    spec = manifest.get("spec")
    for kind in LISTS:
        found = spec.get(kind) if isinstance(spec, dict) else None
        for index, route in enumerate(found if isinstance(found, list) else []):
            destinations = route.get("route") if isinstance(route, dict) else None
            if isinstance(destinations, list):
                pointer = f"/spec/{kind}/{index}"
                ends = (_end(f"{pointer}/route/{at}", entry, namespace) for at, entry in enumerate(destinations))
                yield RouteEntry(pointer, tuple(ends))


def shadowed(manifest: Manifest, split: Split) -> Iterator[tuple[str, str, str]]:
    """Yields path, message and advice for each managed http route that gets no request.

    The first other route before it that matches all of its requests takes them.
    """
    own = {route.path for route in split.routes}
    http = list(manifest["spec"].get(HTTP) or ())
    for index, route in enumerate(http):
        before = (at for at in range(index) if _http(index) in own and _http(at) not in own)
        taker = next((at for at in before if takes_all_of(http[at], route)), None)
        if taker is not None:
            message = f"gets no request: {_http(taker)} comes before it and takes them all"
            yield _http(index), message, "move it up, or let the one before it match less"


def claims(manifest: Manifest) -> frozenset[tuple[str, str]]:
    """Returns each host that a VirtualService is for, with each gateway that it is bound to; `mesh` is the sidecars.

    A short host and a short gateway are those of its own namespace.
    """
    namespace = str((manifest.get("metadata") or {}).get("namespace") or "default")
    spec = manifest.get("spec")
    hosts, gateways = (
        [item for item in found if isinstance(item, str)] if isinstance(found, list) else []
        for found in (spec.get(key) if isinstance(spec, dict) else None for key in ("hosts", "gateways"))
    )
    bound = [name if "/" in name or name == MESH else f"{namespace}/{name}" for name in gateways] or [MESH]
    return frozenset((short_host(host, namespace) or host, gateway) for host in hosts for gateway in bound)


def _http(index: int) -> str:
    return f"spec.{HTTP}[{index}]"


def _not_lists(manifest: Manifest) -> list[str]:
    spec = manifest.get("spec")
    found = {kind: spec.get(kind) for kind in LISTS} if isinstance(spec, dict) else {}
    return [f"spec.{kind}: must be a list" for kind, value in found.items() if not isinstance(value, list | None)]


def _end(pointer: str, entry: Any, namespace: str) -> End:
    members = entry if isinstance(entry, dict) else {}
    destination = members.get("destination")
    host = destination.get("host") if isinstance(destination, dict) else None
    return End(
        pointer=pointer,
        name=str(host),
        service=short_host(host, namespace) if isinstance(host, str) else None,
        weight=members.get("weight") or 0,
        entry=members,
    )


def _managed(route: RouteEntry, primary: str, canary: str) -> ManagedRoute:
    is_http = route.list_path == ("spec", HTTP)
    return ManagedRoute(
        pointer=route.pointer,
        primary=_backend(route.end_at(primary), is_http=is_http),
        canary=_backend(route.end_at(canary), is_http=is_http),
    )


def _backend(end: End, *, is_http: bool) -> Backend:
    destination = end.entry["destination"]
    port = destination.get("port")
    number = port.get("number") if isinstance(port, dict) else None
    return Backend(
        pointer=end.pointer,
        port=UsedPort(number if isinstance(number, int) else None, is_http),
        weight=end.weight,
        tests=entry_tests(end.pointer, end.entry, "destination/host"),
        subset=str(destination.get("subset") or ""),
    )


def _route_problems(route: RouteEntry, of_pair: int) -> list[str]:
    """Returns why a route that leads to both Services cannot be managed. `of_pair` of its destinations are theirs."""
    if len(route.ends) != PAIR:
        what = "names a host twice" if of_pair > PAIR else "has a destination beside the two"
        return [f"{route.path}: {what}, so that its weights are not steerer's to set"]
    wrong = [problem for index, end in enumerate(route.ends) if (problem := _weight_problem(route.path, index, end))]
    if wrong or any(end.weight for end in route.ends):
        return wrong
    return [f"{route.path}: both weights are absent or 0"]


def _weight_problem(path: str, index: int, end: End) -> str | None:
    """Returns what is wrong with the weight of a destination; None if nothing is."""
    weight = end.entry.get("weight")
    if weight is None or (isinstance(weight, int) and not isinstance(weight, bool) and 0 <= weight <= FULL):
        return None
    return f"{path}.route[{index}].weight: must be an integer from 0 to 100, not {shown(weight)}"


def _nothing_managed(primary: str, canary: str, single: list[str]) -> str:
    if len(single) > 1:
        return f"spec.http: {primary} and {canary} are in different routes ({', '.join(single)}), and no route has both"
    return f"spec.http: no route leads to {primary} and {canary}"
