"""What steerer may have to ask of an API server: the one list that Roles, pages and checks come from.

Duty: **pure** values. Each right is one verb on one kind, with what happens without it. Whether somebody has a right
is not asked here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from reconcile.model.kinds import AUTOSCALER, DEPLOYMENT, EVENT, ROLLOUT, SERVICE, VIRTUAL_SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconcile.model.kinds import Kind


class Lack(StrEnum):
    """What it comes to when a right is missing, the worst first."""

    BLIND = "no Rollout of the namespace is seen"
    HALT = "a Rollout halts"
    SILENCE = "an Event is missing"
    COST = "more requests"


@dataclass(frozen=True, kw_only=True, slots=True)
class Right:
    """One verb on one kind of object. `without` says, for people, what happens where it is missing.

    A `Role` grants it in one namespace. A `ClusterRole` has the same rules and is needed where all namespaces are in
    scope: then the Rollouts are listed in one request, and so are other kinds once there are very many of them.
    """

    kind: Kind
    verb: str
    lack: Lack
    without: str
    subresource: str = ""

    @property
    def resource(self) -> str:
        """How a rule names it: `rollouts/status`."""
        return f"{self.kind.plural}/{self.subresource}" if self.subresource else self.kind.plural


PASS = (
    Right(
        kind=ROLLOUT,
        verb="list",
        lack=Lack.BLIND,
        without="no Rollout of the namespace is found; with all namespaces in scope no pass is made",
    ),
    Right(
        kind=ROLLOUT,
        subresource="status",
        verb="patch",
        lack=Lack.HALT,
        without="nothing is begun, and nothing goes on: the status is written first",
    ),
    Right(kind=DEPLOYMENT, verb="get", lack=Lack.HALT, without="primary and canary cannot be read"),
    Right(
        kind=DEPLOYMENT,
        verb="list",
        lack=Lack.COST,
        without="more than eight Deployments are read one by one",
    ),
    Right(
        kind=DEPLOYMENT,
        verb="patch",
        lack=Lack.HALT,
        without="no canary is scaled up or down, and no template is promoted",
    ),
    Right(kind=SERVICE, verb="get", lack=Lack.HALT, without="the two Services cannot be read"),
    Right(kind=SERVICE, verb="list", lack=Lack.COST, without="more than eight Services are read one by one"),
    Right(kind=VIRTUAL_SERVICE, verb="get", lack=Lack.HALT, without="the weights cannot be read"),
    Right(
        kind=VIRTUAL_SERVICE,
        verb="list",
        lack=Lack.COST,
        without="more than eight VirtualServices are read one by one",
    ),
    Right(kind=VIRTUAL_SERVICE, verb="patch", lack=Lack.HALT, without="no weight is moved"),
    Right(
        kind=AUTOSCALER,
        verb="list",
        lack=Lack.HALT,
        without="nobody knows whether the canary is being scaled",
    ),
    Right(
        kind=EVENT, verb="create", lack=Lack.SILENCE, without="no Event is stored; the status and the log have it all"
    ),
    Right(kind=EVENT, verb="get", lack=Lack.SILENCE, without="an Event that is said again is not counted"),
    Right(kind=EVENT, verb="patch", lack=Lack.SILENCE, without="an Event that is said again is not counted"),
)
"""What a pass uses, in the order in which it does: no verb less, and none more."""

STATUS = (
    Right(kind=ROLLOUT, verb="list", lack=Lack.BLIND, without="`steerer status` finds no Rollout"),
    Right(kind=EVENT, verb="list", lack=Lack.BLIND, without="`steerer status` cannot tell the Events"),
)
"""What `steerer status` uses, whose user is a person: the account of a pass need not have it."""


def rules(rights: Iterable[Right]) -> list[dict[str, Any]]:
    """Give the rules of a Role or a ClusterRole that grant these rights: one for each resource, verbs in order."""
    verbs: dict[tuple[str, str], list[str]] = {}
    for right in rights:
        verbs.setdefault((right.kind.group, right.resource), []).append(right.verb)
    return [
        {"apiGroups": [group], "resources": [resource], "verbs": granted}
        for (group, resource), granted in verbs.items()
    ]
