"""The actions that a person asks for, as annotations on a Rollout. Each names the revision that it is about.

They are read in every pass and never removed by one; what a pass makes of them is in `reconcile.core`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "apps.weave.works/"
# The value of `pause` that holds whatever revision the canary has.
ANY_REVISION = "*"


class Action(StrEnum):
    """The actions, in their precedence."""

    ABORT = "abort"
    PAUSE = "pause"
    PROMOTE = "promote"
    APPROVE = "approve"
    RETRY = "retry"

    @property
    def annotation(self) -> str:
        """The key of the annotation that asks for it."""
        return PREFIX + self.value


class Verb(StrEnum):
    """What a person says of a release: an action, or that one that is paused goes on."""

    ABORT = "abort"
    PAUSE = "pause"
    RESUME = "resume"
    PROMOTE = "promote"
    APPROVE = "approve"
    RETRY = "retry"

    def annotations(self, revision: str, argument: str = "") -> dict[Action, str | None]:
        """Returns the values of the annotations that say it of a revision; None removes one.

        `argument` is the weight of an approval, or the token of a retry.
        """
        if self is Verb.RESUME:
            return {Action.PAUSE: None}
        value = f"{revision}/{argument}" if argument else revision
        # An abort is read in every pass: left behind, it would end the next attempt too.
        return {Action(self): value} | ({Action.ABORT: None} if self is Verb.RETRY else {})


class Actions(Struct, frozen=True, kw_only=True):
    """What is asked for of one Rollout: for each action that is, its value.

    A revision, for `pause` also `*`, for `approve` also `revision/weight`, for `retry` always `revision/token`.
    """

    asked: Mapping[Action, str]

    def revision(self, action: Action) -> str:
        """Returns the revision that an action names; empty where it is not asked for."""
        return self.asked.get(action, "").partition("/")[0]

    def argument(self, action: Action) -> str:
        """Returns what follows the revision: the weight of an approval, the token of a retry; empty without one."""
        return self.asked.get(action, "").partition("/")[2]


def parse(annotations: Any) -> Actions:
    """Returns the actions that annotations ask for. Empty ones ask for nothing."""
    found = annotations if isinstance(annotations, dict) else {}
    asked = {action: str(found.get(action.annotation) or "").strip() for action in Action}
    return Actions(asked={action: value for action, value in asked.items() if value})
