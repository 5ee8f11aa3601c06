"""Istio's VirtualService: from routes to weights, and from a weight to the operations that set it.

Duty: section "VirtualService" of the contract. It reads `spec.http` and names two weights per managed route; what
weight is right is not known here. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconcile.model.errors import InvalidObjectError
from reconcile.model.names import short_host
from reconcile.model.text import shown

if TYPE_CHECKING:
    from reconcile.model.kinds import Manifest
    from reconcile.model.plan import Operation

FULL = 100
# VirtualService lists have no merge keys: whoever writes one weight owns the whole list in managedFields.
WRITTEN = ("spec", "http")


@dataclass(frozen=True, kw_only=True, slots=True)
class Destination:
    """One end of a managed route. `weight` is None where the manifest has none."""

    path: str
    host: str
    weight: int | None
    entry: Manifest

    def tests(self) -> list[Operation]:
        """Give the operations that fail where this end is no longer what was read."""
        if self.weight is None:  # `test` cannot say "absent"; the whole entry, which lacks the key, can
            return [{"op": "test", "path": self.path, "value": self.entry}]
        return [
            {"op": "test", "path": f"{self.path}/destination/host", "value": self.host},
            {"op": "test", "path": f"{self.path}/weight", "value": self.weight},
        ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """One managed route."""

    primary: Destination
    canary: Destination

    @property
    def weight(self) -> int:
        """The canary's weight in percent."""
        return self.canary.weight or 0

    def has(self, weight: int) -> bool:
        """Say whether the route is as a write of this weight would leave it."""
        return (self.primary.weight or 0, self.weight) == (FULL - weight, weight)

    def operations(self, weight: int) -> list[Operation]:
        """Test both ends, then set both weights. `add` overwrites a member and makes one that is absent."""
        return [
            *self.primary.tests(),
            *self.canary.tests(),
            {"op": "add", "path": f"{self.primary.path}/weight", "value": FULL - weight},
            {"op": "add", "path": f"{self.canary.path}/weight", "value": weight},
        ]


@dataclass(frozen=True, slots=True)
class Split:
    """All managed routes of one VirtualService; at least one."""

    routes: tuple[Route, ...]

    @property
    def lowest(self) -> int:
        """The canary weight to count from: the lowest of the managed routes."""
        return min(route.weight for route in self.routes)

    @property
    def highest(self) -> int:
        """The most that any managed route gives to the canary."""
        return max(route.weight for route in self.routes)

    def operations(self, weight: int) -> tuple[Operation, ...]:
        """Give the JSON patch that sets the canary's weight in all managed routes; empty if they have it."""
        if all(route.has(weight) for route in self.routes):
            return ()
        return tuple(operation for route in self.routes for operation in route.operations(weight))


def read(manifest: Manifest, *, namespace: str, primary: str, canary: str) -> Split:
    """Find the managed routes: http routes whose destinations are exactly the two Services, once each.

    `primary` and `canary` are short names of Services. Raises InvalidObjectError with a path for each route that
    cannot be weighted, and where there is no managed route at all.
    """
    problems: list[str] = []
    pair = {primary, canary}
    managed: list[Route] = []
    single: list[str] = []
    for path, destinations in _routes(manifest, problems):
        hosts = [_host(destination, namespace) for destination in destinations]
        here = [host for host in hosts if host in pair]
        if set(here) != pair:
            if here:
                single.append(_dotted(path))
            continue
        if len(hosts) != len(pair):
            what = "names a host twice" if len(here) > len(pair) else "has a destination beside the two"
            problems.append(f"{_dotted(path)}: {what}, so that its weights are not steerer's to set")
            continue
        wrong = [problem for index, entry in enumerate(destinations) if (problem := _wrong(path, index, entry))]
        if not wrong and not any(entry.get("weight") for entry in destinations):
            wrong = [f"{_dotted(path)}: both weights are absent or 0"]
        problems += wrong
        ends = [_destination(f"{path}/route/{index}", entry) for index, entry in enumerate(destinations)]
        managed.append(Route(primary=ends[hosts.index(primary)], canary=ends[hosts.index(canary)]))
    if not managed and not problems:
        problems.append(_nothing_managed(primary, canary, single))
    if problems:
        raise InvalidObjectError(tuple(problems))
    return Split(tuple(managed))


def _routes(manifest: Manifest, problems: list[str]) -> list[tuple[str, list[Any]]]:
    """Give each http route that has destinations, with its JSON pointer."""
    spec = manifest.get("spec")
    http = spec.get("http") if isinstance(spec, dict) else None
    if http is not None and not isinstance(http, list):
        problems.append("spec.http: must be a list")
    routes = []
    for index, route in enumerate(http if isinstance(http, list) else []):
        destinations = route.get("route") if isinstance(route, dict) else None
        if isinstance(destinations, list):
            routes.append((f"/spec/http/{index}", destinations))
    return routes


def _host(entry: Any, namespace: str) -> str | None:
    """Give the short name of the Service that an entry of `route` leads to; None for any other host."""
    destination = entry.get("destination") if isinstance(entry, dict) else None
    host = destination.get("host") if isinstance(destination, dict) else None
    return short_host(host, namespace) if isinstance(host, str) else None


def _wrong(path: str, index: int, entry: Manifest) -> str | None:
    """Say what is wrong with the weight of an entry, if anything."""
    weight = entry.get("weight")
    if weight is None or (isinstance(weight, int) and not isinstance(weight, bool) and 0 <= weight <= FULL):
        return None
    return f"{_dotted(path)}.route[{index}].weight: must be an integer from 0 to 100, not {shown(weight)}"


def _destination(path: str, entry: Manifest) -> Destination:
    return Destination(path=path, host=entry["destination"]["host"], weight=entry.get("weight"), entry=entry)


def _nothing_managed(primary: str, canary: str, single: list[str]) -> str:
    if len(single) > 1:
        return f"spec.http: {primary} and {canary} are in different routes ({', '.join(single)}), and no route has both"
    return f"spec.http: no route leads to {primary} and {canary}"


def _dotted(pointer: str) -> str:
    """Write a JSON pointer as people write fields: `/spec/http/0` is `spec.http[0]`."""
    parts = pointer.strip("/").split("/")
    return "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in parts).lstrip(".")
