"""The rights that steerer needs on an API server. Roles, docs and checks are made from this list.

Whether an account has a right is asked in `clusters/kube`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from reconcile.model.kinds import (
    AUTOSCALER,
    DEPLOYMENT,
    DESTINATION_RULE,
    ENDPOINT_SLICE,
    EVENT,
    ROLLOUT,
    SERVICE,
    VIRTUAL_SERVICE,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconcile.model.kinds import Kind


class Impact(StrEnum):
    """What happens where a right is missing, the worst first."""

    BLIND = "no Rollout of the namespace is seen"
    HALT = "a Rollout halts"
    SILENCE = "an Event is missing"
    COST = "more requests"


class Right(Struct, frozen=True, kw_only=True):
    """One verb on one kind of object. `without` says, for people, what happens where it is missing.

    A `Role` grants it in one namespace. Where all namespaces are in scope, a `ClusterRole` with the same rules is
    needed: then the Rollouts are listed in one request, and so are other kinds where there are very many objects.
    """

    kind: Kind
    verb: str
    impact: Impact
    without: str
    subresource: str = ""

    @property
    def resource(self) -> str:
        """The name of the resource in a rule, such as `rollouts/status`."""
        return f"{self.kind.plural}/{self.subresource}" if self.subresource else self.kind.plural


class Subject(Struct, frozen=True, kw_only=True):
    """Whose rights are asked about: a user by name, with the groups that are known, or a group."""

    user: str = ""
    groups: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.user or f"group {', '.join(self.groups)}"


_FIRST = (
    Right(
        kind=ROLLOUT,
        verb="list",
        impact=Impact.BLIND,
        without="no Rollout of the namespace is found; with all namespaces in scope no pass is made",
    ),
    Right(
        kind=ROLLOUT,
        subresource="status",
        verb="patch",
        impact=Impact.HALT,
        without="nothing is begun, and nothing goes on: the status is written first",
    ),
    Right(kind=DEPLOYMENT, verb="get", impact=Impact.HALT, without="primary and canary cannot be read"),
    Right(
        kind=DEPLOYMENT,
        verb="list",
        impact=Impact.COST,
        without="more than eight Deployments are read one by one",
    ),
    Right(
        kind=DEPLOYMENT,
        verb="patch",
        impact=Impact.HALT,
        without="no canary is scaled up or down, and no template is promoted",
    ),
    Right(kind=SERVICE, verb="get", impact=Impact.HALT, without="the two Services cannot be read"),
    Right(kind=SERVICE, verb="list", impact=Impact.COST, without="more than eight Services are read one by one"),
)


def _of_routes(kind: Kind) -> tuple[Right, ...]:
    """Returns the rights that a pass needs on the objects of a kind that splits the traffic."""
    rights = (
        Right(kind=kind, verb="get", impact=Impact.HALT, without="the weights cannot be read"),
        Right(
            kind=kind,
            verb="list",
            impact=Impact.COST,
            without="more than eight are read one by one, and no other route that leads to the canary is seen",
        ),
        Right(kind=kind, verb="patch", impact=Impact.HALT, without="no weight is moved"),
    )
    return (*rights, _SUBSETS) if kind == VIRTUAL_SERVICE else rights


_SUBSETS = Right(
    kind=DESTINATION_RULE,
    verb="list",
    impact=Impact.HALT,
    without="nobody knows which pods the subsets have that a route names; where none does, it is not used",
)
_LATER = (
    Right(
        kind=AUTOSCALER,
        verb="list",
        impact=Impact.HALT,
        without="nobody knows whether the canary is being scaled",
    ),
    Right(
        kind=ENDPOINT_SLICE,
        verb="list",
        impact=Impact.HALT,
        without="after the copy nobody knows whether the primary is reached, and the traffic stays on the canary",
    ),
    Right(
        kind=EVENT,
        verb="create",
        impact=Impact.SILENCE,
        without="no Event is stored; the status and the log have it all",
    ),
    Right(kind=EVENT, verb="get", impact=Impact.SILENCE, without="an Event that is said again is not counted"),
    Right(kind=EVENT, verb="patch", impact=Impact.SILENCE, without="an Event that is said again is not counted"),
)


def of_pass(kinds: Iterable[Kind] = (VIRTUAL_SERVICE,)) -> tuple[Right, ...]:
    """Returns the rights of a pass over Rollouts with routes of these kinds, in the order in which it uses them.

    It needs all of them and no others.
    """
    return (*_FIRST, *(right for kind in kinds for right in _of_routes(kind)), *_LATER)


PASS = of_pass()
"""The rights of a pass over Rollouts with VirtualServices: what is granted where nothing else is asked for."""

STATUS = (
    Right(kind=ROLLOUT, verb="list", impact=Impact.BLIND, without="`steerer status` finds no Rollout"),
    Right(kind=EVENT, verb="list", impact=Impact.BLIND, without="`steerer status` cannot tell the Events"),
)
"""The rights of a person who runs `steerer status`. The account of a pass does not need them."""

ACTION = (
    Right(kind=ROLLOUT, verb="list", impact=Impact.BLIND, without="the Rollout is not found"),
    Right(kind=DEPLOYMENT, verb="get", impact=Impact.HALT, without="the revision of the canary is not known"),
    Right(kind=ROLLOUT, verb="patch", impact=Impact.HALT, without="no action is written"),
)
"""The rights of a person who runs `steerer abort` and the other actions. The account of a pass never gets them."""


APPROVE = ACTION[-1]
"""The right without which nobody writes an annotation, an approval among them."""


def rules(rights: Iterable[Right]) -> list[dict[str, Any]]:
    """Returns the rules of a Role or a ClusterRole that grant these rights: one for each resource, verbs in order."""
    verbs: dict[tuple[str, str], list[str]] = {}
    for right in rights:
        verbs.setdefault((right.kind.group, right.resource), []).append(right.verb)
    return [
        {"apiGroups": [group], "resources": [resource], "verbs": granted}
        for (group, resource), granted in verbs.items()
    ]
