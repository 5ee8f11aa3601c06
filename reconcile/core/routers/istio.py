"""Istio's VirtualService: from `spec.http` to weights, and from a weight to the operations that set it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconcile.core.routers.istio_matches import takes_all_of
from reconcile.model.errors import InvalidObjectError
from reconcile.model.names import short_host
from reconcile.model.text import shown

if TYPE_CHECKING:
    from reconcile.model.kinds import Manifest
    from reconcile.model.plan import Operation

FULL = 100
# The gateway that stands for all sidecars.
MESH = "mesh"
# The destinations of a managed route: primary and canary.
PAIR = 2
# The list has no merge keys: in managedFields, a manager that writes one weight owns the whole list.
WRITTEN = ("spec", "http")


@dataclass(frozen=True, kw_only=True, slots=True)
class Destination:
    """One destination of a managed route. `weight` is None where the manifest has none, `subset` is "" there."""

    path: str
    host: str
    port: int | None
    subset: str
    weight: int | None
    entry: Manifest

    def tests(self) -> list[Operation]:
        """Returns the operations that fail where the destination is no longer what was read."""
        if self.weight is None:  # `test` cannot say "absent"; the whole entry, which lacks the key, can
            return [{"op": "test", "path": self.path, "value": self.entry}]
        return [
            {"op": "test", "path": f"{self.path}/destination/host", "value": self.host},
            {"op": "test", "path": f"{self.path}/weight", "value": self.weight},
        ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """One managed route, the `index`th of the http routes."""

    index: int
    primary: Destination
    canary: Destination

    @property
    def weight(self) -> int:
        """The canary's weight in percent."""
        return self.canary.weight or 0

    def has(self, weight: int) -> bool:
        """Returns whether a write of this weight would change nothing."""
        return (self.primary.weight or 0, self.weight) == (FULL - weight, weight)

    def operations(self, weight: int) -> list[Operation]:
        """Returns the tests of both destinations, then the two weights. `add` also replaces a member that is there."""
        return [
            *self.primary.tests(),
            *self.canary.tests(),
            {"op": "add", "path": f"{self.primary.path}/weight", "value": FULL - weight},
            {"op": "add", "path": f"{self.canary.path}/weight", "value": weight},
        ]


@dataclass(frozen=True, slots=True)
class Split:
    """All managed routes of one VirtualService, at least one; `http` are all of its http routes."""

    routes: tuple[Route, ...]
    http: tuple[Any, ...] = ()

    @property
    def lowest(self) -> int:
        """The canary weight to count from: the lowest of the managed routes."""
        return min(route.weight for route in self.routes)

    @property
    def highest(self) -> int:
        """The most that any managed route gives to the canary."""
        return max(route.weight for route in self.routes)

    @property
    def primary_ports(self) -> frozenset[int | None]:
        """The ports of the primary's Service that the managed routes use; None for a route that names none."""
        return frozenset(route.primary.port for route in self.routes)

    @property
    def canary_ports(self) -> frozenset[int | None]:
        """The ports of the canary's Service, likewise."""
        return frozenset(route.canary.port for route in self.routes)

    @property
    def primary_subsets(self) -> frozenset[str]:
        """The subsets of the primary's Service that the managed routes name."""
        return frozenset(route.primary.subset for route in self.routes) - {""}

    @property
    def canary_subsets(self) -> frozenset[str]:
        """The subsets of the canary's Service, likewise."""
        return frozenset(route.canary.subset for route in self.routes) - {""}

    @property
    def taken(self) -> tuple[tuple[str, str], ...]:
        """The managed routes that get no request, each with the first other route before it that takes them all.

        Found when it is asked for: no pass needs it.
        """
        own, found = {route.index for route in self.routes}, []
        for route in self.routes:
            before = (index for index in range(route.index) if index not in own)
            taker = next((index for index in before if takes_all_of(self.http[index], self.http[route.index])), None)
            if taker is not None:
                found.append((_http(route.index), _http(taker)))
        return tuple(found)

    def operations(self, weight: int) -> tuple[Operation, ...]:
        """Returns the JSON patch that sets the canary's weight in all managed routes; empty if they have it."""
        if all(route.has(weight) for route in self.routes):
            return ()
        return tuple(operation for route in self.routes for operation in route.operations(weight))


def read(manifest: Manifest, *, namespace: str, primary: str, canary: str) -> Split:
    """Returns the managed routes: http routes whose destinations are exactly the two Services, once each.

    `primary` and `canary` are short names of Services. Raises InvalidObjectError with a path for each route that
    cannot be weighted, and where there is no managed route at all.
    """
    problems: list[str] = []
    pair = {primary, canary}
    managed: list[Route] = []
    single: list[str] = []
    for path, destinations in _routes(manifest, problems):
        hosts = [_host(destination, namespace) for destination in destinations]
        if not pair <= set(hosts):
            single += [_dotted(path)] if pair & set(hosts) else []
        elif found := _route_problems(path, destinations, sum(host in pair for host in hosts)):
            problems += found
        else:
            ends = [_destination(f"{path}/route/{index}", entry) for index, entry in enumerate(destinations)]
            index = int(path.rpartition("/")[2])
            managed.append(Route(index=index, primary=ends[hosts.index(primary)], canary=ends[hosts.index(canary)]))
    if not managed and not problems:
        problems.append(_nothing_managed(primary, canary, single))
    if problems:
        raise InvalidObjectError(tuple(problems))
    return Split(tuple(managed), tuple(manifest["spec"]["http"]))


def _http(index: int) -> str:
    return f"spec.http[{index}]"


def _routes(manifest: Manifest, problems: list[str], kind: str = "http") -> list[tuple[str, list[Any]]]:
    """Returns each route of a kind (http, tcp, tls) that has destinations, with its JSON pointer."""
    spec = manifest.get("spec")
    found = spec.get(kind) if isinstance(spec, dict) else None
    if found is not None and not isinstance(found, list):
        problems.append(f"spec.{kind}: must be a list")
    routes = []
    for index, route in enumerate(found if isinstance(found, list) else []):
        destinations = route.get("route") if isinstance(route, dict) else None
        if isinstance(destinations, list):
            routes.append((f"/spec/{kind}/{index}", destinations))
    return routes


def leading_to(manifest: Manifest, host: str) -> tuple[list[str], list[str]]:
    """Returns the paths of the routes that split traffic to a host of the namespace, and that lead there alone.

    All kinds of routes count, whether they are managed or not.
    """
    namespace = str((manifest.get("metadata") or {}).get("namespace") or "default")
    splits: list[str] = []
    alone: list[str] = []
    for kind in ("http", "tcp", "tls"):
        for path, destinations in _routes(manifest, [], kind):
            to_host = [entry for entry in destinations if _host(entry, namespace) == host]
            if len(destinations) == 1 and to_host:
                alone.append(_dotted(path))
            elif any(entry.get("weight") not in {None, 0} for entry in to_host):
                splits.append(_dotted(path))
    return splits, alone


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


def _host(entry: Any, namespace: str) -> str | None:
    """Returns the short name of the Service that a destination leads to; None for any other host."""
    destination = entry.get("destination") if isinstance(entry, dict) else None
    host = destination.get("host") if isinstance(destination, dict) else None
    return short_host(host, namespace) if isinstance(host, str) else None


def _route_problems(path: str, destinations: list[Any], of_pair: int) -> list[str]:
    """Returns why a route that leads to both Services cannot be managed. `of_pair` of its destinations are theirs."""
    if len(destinations) != PAIR:
        what = "names a host twice" if of_pair > PAIR else "has a destination beside the two"
        return [f"{_dotted(path)}: {what}, so that its weights are not steerer's to set"]
    wrong = [problem for index, entry in enumerate(destinations) if (problem := _weight_problem(path, index, entry))]
    if wrong or any(entry.get("weight") for entry in destinations):
        return wrong
    return [f"{_dotted(path)}: both weights are absent or 0"]


def _weight_problem(path: str, index: int, entry: Manifest) -> str | None:
    """Returns what is wrong with the weight of a destination; None if nothing is."""
    weight = entry.get("weight")
    if weight is None or (isinstance(weight, int) and not isinstance(weight, bool) and 0 <= weight <= FULL):
        return None
    return f"{_dotted(path)}.route[{index}].weight: must be an integer from 0 to 100, not {shown(weight)}"


def _destination(path: str, entry: Manifest) -> Destination:
    destination = entry["destination"]
    port = destination.get("port")
    number = port.get("number") if isinstance(port, dict) else None
    return Destination(
        path=path,
        host=destination["host"],
        port=number if isinstance(number, int) else None,
        subset=str(destination.get("subset") or ""),
        weight=entry.get("weight"),
        entry=entry,
    )


def _nothing_managed(primary: str, canary: str, single: list[str]) -> str:
    if len(single) > 1:
        return f"spec.http: {primary} and {canary} are in different routes ({', '.join(single)}), and no route has both"
    return f"spec.http: no route leads to {primary} and {canary}"


def _dotted(pointer: str) -> str:
    """Returns a JSON pointer as people write fields: `/spec/http/0` is `spec.http[0]`."""
    parts = pointer.strip("/").split("/")
    return "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in parts).lstrip(".")
