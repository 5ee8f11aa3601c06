"""Routers: how an object splits the traffic between primary and canary, by its kind.

A router turns an object into weights, and a weight into patch operations. What weight is right is decided in `core`.
A second router is a new module and a line in `ROUTERS`. Open `istio` for an example.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from reconcile.core.routers import istio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reconcile.model.kinds import Manifest
    from reconcile.model.plan import Operation


class Split(Protocol):
    """The weights of all managed routes, in percent."""

    @property
    def lowest(self) -> int:
        """The canary weight to count from: the lowest of the managed routes."""
        ...

    @property
    def highest(self) -> int:
        """The most that any managed route gives to the canary."""
        ...

    @property
    def primary_ports(self) -> frozenset[int | None]:
        """The ports of the primary's Service that the managed routes use; None for a route that names none."""
        ...

    @property
    def canary_ports(self) -> frozenset[int | None]:
        """The ports of the canary's Service, likewise."""
        ...

    @property
    def primary_subsets(self) -> frozenset[str]:
        """The subsets of the primary's Service that the managed routes name."""
        ...

    @property
    def canary_subsets(self) -> frozenset[str]:
        """The subsets of the canary's Service, likewise."""
        ...

    @property
    def taken(self) -> tuple[tuple[str, str], ...]:
        """The managed routes that get no request, each with the route before it that takes them."""
        ...

    def operations(self, weight: int) -> tuple[Operation, ...]:
        """Returns the JSON patch that sets the canary's weight in all managed routes; empty if they have it."""
        ...


class Router(Protocol):
    """Reads the weights of one object."""

    def __call__(self, manifest: Manifest, *, namespace: str, primary: str, canary: str) -> Split:
        """Returns the managed routes. Raises InvalidObjectError where the pair is not split as steerer needs it."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One router. `written` is the path of the field whose managers are the writers of the weights.

    `leading_to` returns the paths of the routes of one object that split traffic to a host, and that lead there alone,
    `claims` the hosts that an object is for, each with a gateway that it is bound to.
    """

    read: Router
    written: tuple[str, ...]
    leading_to: Callable[[Manifest, str], tuple[list[str], list[str]]]
    claims: Callable[[Manifest], frozenset[tuple[str, str]]]


ROUTERS = {
    "VirtualService": Entry(read=istio.read, written=istio.WRITTEN, leading_to=istio.leading_to, claims=istio.claims)
}


def leading_to(manifests: Iterable[Manifest], host: str) -> tuple[list[str], list[str]]:
    """Returns the routes that split traffic to a host with a weight above 0, and those that lead to it alone.

    Each is named by its object and path, such as `VirtualService podinfo.test spec.http[0]`.
    """
    splits: list[str] = []
    alone: list[str] = []
    for manifest in manifests:
        entry = ROUTERS[str(manifest["kind"])]
        metadata = manifest.get("metadata") or {}
        name = f"{manifest.get('kind')} {metadata.get('name')}.{metadata.get('namespace') or 'default'}"
        for paths, found in zip(entry.leading_to(manifest, host), (splits, alone), strict=True):
            found += [f"{name} {path}" for path in paths]
    return splits, alone
