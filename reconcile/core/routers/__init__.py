"""Routers: how the traffic between primary and canary is split, by the kind of the object that splits it.

Duty: the protocol and the dict. A second router is a new file and a line here. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from reconcile.core.routers import istio

if TYPE_CHECKING:
    from reconcile.model.kinds import Manifest
    from reconcile.model.plan import Operation


class Split(Protocol):
    """The weights of all managed routes. `lowest` and `highest` are the canary's, in percent."""

    @property
    def lowest(self) -> int:
        """The canary weight to count from: the lowest of the managed routes."""
        ...

    @property
    def highest(self) -> int:
        """The most that any managed route gives to the canary."""
        ...

    def operations(self, weight: int) -> tuple[Operation, ...]:
        """Give the JSON patch that sets the canary's weight in all managed routes; empty if they have it."""
        ...


class Router(Protocol):
    """Reads one object that routes."""

    def __call__(self, manifest: Manifest, *, namespace: str, primary: str, canary: str) -> Split:
        """Find the managed routes. Raises InvalidObjectError where the pair is not split as steerer needs it."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One router; `written` is the path whose last writer is asked for when weights moved."""

    read: Router
    written: tuple[str, ...]


ROUTERS = {"VirtualService": Entry(read=istio.read, written=istio.WRITTEN)}
