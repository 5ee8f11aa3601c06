"""The Gateway API's HTTPRoute and GRPCRoute: rules that hold both Services, and what their controllers say of them.

A weight is a share of the weights of its rule, and an absent one is 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.core.routers.acceptance import awaited, refused
from reconcile.core.routers.split import (
    Backend,
    End,
    ManagedRoute,
    RouteEntry,
    Split,
    UsedPort,
    entry_tests,
    managed_routes,
)
from reconcile.model.paths import from_pointer, value_at
from reconcile.model.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.model.kinds import Manifest

# Of one backend, by the API.
MOST = 1_000_000
# The list is atomic: in managedFields, a manager that writes one weight owns all rules.
WRITTEN = (("spec", "rules"),)
IGNORING = (
    "Argo CD: ignoreDifferences with jqPathExpressions .spec.rules[]?.backendRefs[]?.weight, "
    "Flux: spec.ignore with /spec/rules/0/backendRefs/0/weight and its like"
)
_TESTED = ("name", "group", "kind", "namespace", "port")


def read(manifest: Manifest, *, namespace: str, primary: str, canary: str) -> Split:
    """Returns the managed rules: those that hold the two Services, once each. Other backends get no weight there.

    Raises InvalidObjectError with a path for each rule that cannot be weighted, and where no rule holds both.
    """

    def nothing(single: list[str]) -> str:
        where = f": they are in different rules ({', '.join(single)})" if len(single) > 1 else ""
        return f"spec.rules: no rule leads to both {primary} and {canary}{where}"

    managed = managed_routes(
        every(manifest, namespace),
        (primary, canary),
        lambda rule: _rule_problems(rule, primary, canary),
        lambda rule: _managed(rule, primary, canary),
        nothing,
    )
    return Split(routes=managed, awaited=awaited(manifest), refused=refused(manifest))


def every(manifest: Manifest, namespace: str) -> Iterator[RouteEntry]:
    """Yields each rule that has backends."""
    spec = manifest.get("spec")
    rules = spec.get("rules") if isinstance(spec, dict) else None
    for index, rule in enumerate(rules if isinstance(rules, list) else []):
        backends = rule.get("backendRefs") if isinstance(rule, dict) else None
        if isinstance(backends, list):
            pointer = f"/spec/rules/{index}"
            ends = (_end(f"{pointer}/backendRefs/{at}", entry, namespace) for at, entry in enumerate(backends))
            yield RouteEntry(pointer, tuple(ends))


def remarks(manifest: Manifest, split: Split) -> Iterator[tuple[str, str, str]]:
    """Yields path, message and advice for what may surprise: absent weights, other backends, sessions that stick."""
    for route in split.routes:
        rule = value_at(manifest, from_pointer(route.pointer))
        if route.canary.weight and value_at(manifest, from_pointer(route.canary.pointer + "/weight")) is None:
            message = f"the canary's backend has no weight, which counts as 1: it gets {route.lowest} % at once"
            yield route.path, message, "write weight: 0 for the canary's backend, and 100 for the primary's"
        if rule.get("sessionPersistence"):
            message = "a session that is pinned to the canary stays there, also at weight 0, until its pods are gone"
            advice = "take it out, or expect that an abort moves new sessions only"
            yield f"{route.path}.sessionPersistence", message, advice


def claims(_manifest: Manifest) -> frozenset[tuple[str, str]]:
    """Returns nothing: routes of one host are merged, the most specific match first."""
    return frozenset()


def _end(pointer: str, entry: Any, namespace: str) -> End:
    backend = entry if isinstance(entry, dict) else {}
    name = backend.get("name")
    is_service = (backend.get("group") or "", backend.get("kind") or "Service") == ("", "Service")
    here = (backend.get("namespace") or namespace) == namespace
    weight = backend.get("weight")
    return End(
        pointer=pointer,
        name=str(name),
        service=name if isinstance(name, str) and is_service and here else None,
        weight=1 if weight is None else weight,
        entry=backend,
    )


def _managed(rule: RouteEntry, primary: str, canary: str) -> ManagedRoute:
    ends = rule.end_at(primary), rule.end_at(canary)
    return ManagedRoute(
        pointer=rule.pointer,
        primary=_backend(ends[0]),
        canary=_backend(ends[1]),
        total=ends[0].weight + ends[1].weight,
    )


def _backend(end: End) -> Backend:
    port = end.entry.get("port")
    return Backend(
        pointer=end.pointer,
        port=UsedPort(port if isinstance(port, int) else None, is_http=False),
        weight=end.weight,
        tests=entry_tests(end.pointer, end.entry, *_TESTED),
    )


def _rule_problems(rule: RouteEntry, primary: str, canary: str) -> list[str]:
    """Returns why a rule that holds both Services cannot be managed."""
    wrong = [
        f"{rule.path}.backendRefs[{index}].weight: must be an integer from 0 to {MOST}, not {shown(end.weight)}"
        for index, end in enumerate(rule.ends)
        if isinstance(end.weight, bool) or not isinstance(end.weight, int) or not 0 <= end.weight <= MOST
    ]
    if wrong:
        return wrong
    if twice := [name for name in (primary, canary) if rule.counts(name) > 1]:
        names = " and ".join(twice)
        return [f"{rule.path}: holds {names} more than once, so that its weights are not steerer's to set"]
    others = [end.name for end in rule.ends if end.service not in {primary, canary} and end.weight]
    if others:
        return [f"{rule.path}: gives traffic to {', '.join(others)} beside the two: write weight: 0 there"]
    if not any(end.weight for end in rule.ends):
        return [f"{rule.path}: both weights are 0"]
    return []
