"""Routers: how an object splits the traffic between primary and canary, by its kind.

A router turns an object into a `Split`, which turns a weight into patch operations. What weight is right is decided in
`core`. Another router is a new module and a line in `ROUTERS`. Open `split` first, then `gateway` for an example.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from reconcile.core.routers import gateway, istio
from reconcile.model.kinds import GRPC_ROUTE, HTTP_ROUTE, VIRTUAL_SERVICE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reconcile.core.routers.split import RouteEntry, Split
    from reconcile.model.kinds import Kind, Manifest


class Reader(Protocol):
    """Reads the weights of one object."""

    def __call__(self, manifest: Manifest, *, namespace: str, primary: str, canary: str) -> Split:
        """Returns the managed routes. Raises InvalidObjectError where the pair is not split as steerer needs it."""
        ...


class Router(Struct, frozen=True):
    """One router. `written` are the paths of the lists whose managers are the writers of the weights.

    `every` yields all routes of one object, managed or not. `remarks` yields path, message and advice for what works
    and may surprise. `claims` returns the hosts that an object is for, each with a gateway that it is bound to, where
    two objects may not claim the same. `ignoring` is the rule by which a GitOps tool leaves the weights alone.
    """

    read: Reader
    every: Callable[[Manifest, str], Iterable[RouteEntry]]
    remarks: Callable[[Manifest, Split], Iterable[tuple[str, str, str]]]
    claims: Callable[[Manifest], frozenset[tuple[str, str]]]
    written: tuple[tuple[str, ...], ...]
    ignoring: str


_GATEWAY = Router(
    read=gateway.read,
    every=gateway.every,
    remarks=gateway.remarks,
    claims=gateway.claims,
    written=gateway.WRITTEN,
    ignoring=gateway.IGNORING,
)
ROUTERS: dict[Kind, Router] = {
    VIRTUAL_SERVICE: Router(
        read=istio.read,
        every=istio.every,
        remarks=istio.shadowed,
        claims=istio.claims,
        written=istio.WRITTEN,
        ignoring=istio.IGNORING,
    ),
    HTTP_ROUTE: _GATEWAY,
    GRPC_ROUTE: _GATEWAY,
}


REPORTED = frozenset({HTTP_ROUTE, GRPC_ROUTE})
"""The kinds whose controllers say whether they have taken up what is stored."""


def router_of(manifest: Manifest) -> Router | None:
    """Returns the router of an object; None where it routes nothing."""
    return next((router for kind, router in ROUTERS.items() if kind.matches(manifest)), None)


def routes_of(manifest: Manifest) -> tuple[RouteEntry, ...]:
    """Returns all routes of one object; none of an object that routes nothing."""
    router = router_of(manifest)
    namespace = str((manifest.get("metadata") or {}).get("namespace") or "default")
    return tuple(router.every(manifest, namespace)) if router else ()


def leading_to(manifests: Iterable[Manifest], host: str) -> tuple[list[str], list[str]]:
    """Returns the routes that split traffic to a host with a weight above 0, and those that lead to it alone.

    Each is named by its object and path, such as `VirtualService podinfo.test spec.http[0]`.
    """
    splits: list[str] = []
    alone: list[str] = []
    for manifest in manifests:
        metadata = manifest.get("metadata") or {}
        name = f"{manifest.get('kind')} {metadata.get('name')}.{metadata.get('namespace') or 'default'}"
        for paths, found in zip(paths_to(manifest, host), (splits, alone), strict=True):
            found += [f"{name} {path}" for path in paths]
    return splits, alone


def paths_to(manifest: Manifest, host: str) -> tuple[list[str], list[str]]:
    """Returns the paths of the routes of one object that split traffic to a host, and that lead there alone.

    All of its routes count, whether they are managed or not.
    """
    splits: list[str] = []
    alone: list[str] = []
    for route in routes_of(manifest):
        to_host = [end for end in route.ends if end.service == host]
        if len(route.ends) == 1 and to_host:
            alone.append(route.path)
        elif any(end.weight not in (None, 0) for end in to_host):
            splits.append(route.path)
    return splits, alone
