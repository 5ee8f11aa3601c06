"""The weights of the routes that a Rollout manages, whatever kind of object they are in. Weights are in percent."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

from reconcile.model.errors import InvalidObjectError
from reconcile.model.paths import dotted, from_pointer, value_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reconcile.model.kinds import Manifest
    from reconcile.model.plan import Operation

FULL = 100


class UsedPort(NamedTuple):
    """A port of a Service that a route uses; `number` is None for a route that names none.

    `is_http`: the route works only where Istio takes the port for HTTP.
    """

    number: int | None
    is_http: bool


class Backend(Struct, frozen=True, kw_only=True):
    """One side of a managed route: the entry at `pointer`, with the `weight` that it has there.

    `subset` is "" where it names none. `tests` fail where the entry is no longer what was read.
    """

    pointer: str
    port: UsedPort
    weight: int
    tests: tuple[Operation, ...]
    subset: str = ""


class _Place(Struct, frozen=True):
    """A place in a list of an object."""

    pointer: str

    @property
    def path(self) -> str:
        """The path as people write it."""
        return dotted(from_pointer(self.pointer))

    @property
    def list_path(self) -> tuple[str, ...]:
        """The path of the list, such as `spec`, `http`."""
        return tuple(self.pointer.split("/")[1:-1])


class ManagedRoute(_Place, frozen=True, kw_only=True):
    """One route that holds primary and canary.

    `total` is what the weights of the two count of: 100 where they are percent.
    """

    primary: Backend
    canary: Backend
    total: int = FULL

    @property
    def lowest(self) -> int:
        """The canary's share, rounded down: what is counted from."""
        return self.canary.weight * FULL // self.total

    @property
    def highest(self) -> int:
        """The canary's share, rounded up: 0 only where it has no traffic."""
        return -(-self.canary.weight * FULL // self.total)

    def operations(self, weight: int) -> list[Operation]:
        """Returns the tests of both sides, then the two weights. `add` also replaces a member that is there."""
        return [
            *self.primary.tests,
            *self.canary.tests,
            {"op": "add", "path": f"{self.primary.pointer}/weight", "value": FULL - weight},
            {"op": "add", "path": f"{self.canary.pointer}/weight", "value": weight},
        ]

    def has(self, weight: int) -> bool:
        """Returns whether a write of this weight would change nothing."""
        return (self.primary.weight, self.canary.weight) == (FULL - weight, weight)


class Split(Struct, frozen=True, kw_only=True):
    """The managed routes of one object, or of all objects of a Rollout; at least one.

    Of one object, `awaited` is what its controllers have not taken up yet, `refused` what they refuse, in words.
    """

    routes: tuple[ManagedRoute, ...]
    awaited: str = ""
    refused: str = ""

    @property
    def lowest(self) -> int:
        """The canary weight to count from: the lowest of the managed routes."""
        return min(route.lowest for route in self.routes)

    @property
    def highest(self) -> int:
        """The most that any managed route gives to the canary."""
        return max(route.highest for route in self.routes)

    @property
    def primary_ports(self) -> frozenset[UsedPort]:
        """The ports of the primary's Service that the managed routes use."""
        return frozenset(route.primary.port for route in self.routes)

    @property
    def canary_ports(self) -> frozenset[UsedPort]:
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
    def lists(self) -> frozenset[tuple[str, ...]]:
        """The paths of the lists that hold managed routes: their field managers are the writers of the weights."""
        return frozenset(route.list_path for route in self.routes)

    def operations(self, weight: int) -> tuple[Operation, ...]:
        """Returns the JSON patch of the one object that sets the canary's weight; empty if all routes have it."""
        if all(route.has(weight) for route in self.routes):
            return ()
        return tuple(operation for route in self.routes for operation in route.operations(weight))


def joined(splits: Iterable[Split]) -> Split:
    """Returns the split of several objects, which move together: without what their controllers say."""
    return Split(routes=tuple(chain.from_iterable(split.routes for split in splits)))


class End(Struct, frozen=True, kw_only=True):
    """Where a route leads: `name` as it is written, `service` where that is a Service of the namespace.

    `weight` is what it counts: that of the manifest, or what an absent one means.
    """

    pointer: str
    name: str
    service: str | None
    weight: Any
    entry: Manifest


class RouteEntry(_Place, frozen=True):
    """One route of an object, managed or not, in the order of its list."""

    ends: tuple[End, ...]

    def end_at(self, service: str) -> End:
        """Returns the first end that leads to a Service."""
        return next(end for end in self.ends if end.service == service)

    def counts(self, *services: str) -> int:
        """Returns how many ends lead to these Services."""
        return sum(end.service in services for end in self.ends)


def managed_routes(
    routes: Iterable[RouteEntry],
    pair: tuple[str, str],
    problems_of: Callable[[RouteEntry], list[str]],
    managed: Callable[[RouteEntry], ManagedRoute],
    nothing: Callable[[list[str]], str],
) -> tuple[ManagedRoute, ...]:
    """Returns the routes that hold primary and canary, the `pair` of Services, each as its router reads it.

    `problems_of` returns why such a route cannot be weighted, `nothing` why there is none, from the paths of those that
    hold one of the two. Raises InvalidObjectError with all problems.
    """
    primary, canary = pair
    problems: list[str] = []
    found: list[ManagedRoute] = []
    single: list[str] = []
    for route in routes:
        if not (route.counts(primary) and route.counts(canary)):
            single += [route.path] if route.counts(*pair) else []
        elif wrong := problems_of(route):
            problems += wrong
        else:
            found.append(managed(route))
    if not found and not problems:
        problems.append(nothing(single))
    if problems:
        raise InvalidObjectError(tuple(problems))
    return tuple(found)


def entry_tests(pointer: str, entry: Manifest, *members: str) -> tuple[Operation, ...]:
    """Returns the operations that fail where an entry is no longer what was read, by its `members` and its weight.

    `test` cannot say "absent": an entry without a weight is tested as a whole. A member is a pointer below the entry.
    """
    if entry.get("weight") is None:
        return ({"op": "test", "path": pointer, "value": entry},)
    found = {member: value_at(entry, from_pointer(f"/{member}")) for member in (*members, "weight")}
    return tuple(
        {"op": "test", "path": f"{pointer}/{member}", "value": value}
        for member, value in found.items()
        if value is not None
    )
