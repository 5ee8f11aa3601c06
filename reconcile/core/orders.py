"""What a person asks for of one Rollout, held against the canary's revision."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from reconcile.core.state_machine import CONCLUDING
from reconcile.model.actions import ANY_REVISION, Action
from reconcile.model.plan import AskedAction
from reconcile.model.rollout import Phase
from reconcile.model.text import shown

if TYPE_CHECKING:
    from reconcile.model.rollout import Rollout

_NO_EFFECT = {
    Phase.SUCCEEDED: "it is promoted already",
    Phase.INITIALIZED: "the primary runs it already",
}
_ARGUMENT = r"[A-Za-z0-9._:+-]{1,63}"
_TOO_LATE = "the primary has its template already: release the one before instead"


def retry_due(rollout: Rollout) -> bool:
    """Returns whether a person asks for another attempt at a revision that failed. Each token asks for one."""
    state, actions = rollout.state, rollout.actions
    ended = state.phase is Phase.FAILED or (state.phase is Phase.PROGRESSING and state.attempt.failure != "")
    token = actions.argument(Action.RETRY)
    return (
        ended
        and actions.revision(Action.RETRY) == state.canary_revision
        and not _malformed(Action.RETRY, token)
        and token not in state.attempt.tokens
        and not Orders(rollout, state.canary_revision).is_held
    )


class Orders(Struct, frozen=True, dict=True):
    """The actions that are about one revision. `copy_due`: it is being promoted, and the primary lacks it still."""

    rollout: Rollout
    revision: str
    copy_due: bool = False

    def _asks(self, action: Action) -> bool:
        """Returns whether an action is about this revision, and not malformed."""
        actions = self.rollout.actions
        return actions.revision(action) == self.revision and not _malformed(action, actions.argument(action))

    @property
    def aborts(self) -> bool:
        """Whether all traffic is to be the primary's."""
        return self._asks(Action.ABORT) and not self._suspended

    @property
    def is_held(self) -> bool:
        """Whether no move is to be made but an abort."""
        return self._suspended or self.is_paused

    @property
    def is_paused(self) -> bool:
        """Whether a person holds this revision, or any."""
        return self.rollout.actions.asked.get(Action.PAUSE) == ANY_REVISION or self._asks(Action.PAUSE)

    @property
    def promotes(self) -> bool:
        """Whether it is to be promoted without more steps."""
        return self._asks(Action.PROMOTE) and not self.aborts and not self.is_held

    def approves(self, weight: int) -> bool:
        """Returns whether the step of this weight may be left."""
        return self._asks(Action.APPROVE) and self.rollout.actions.argument(Action.APPROVE) in {"", str(weight)}

    @property
    def _suspended(self) -> bool:
        return self.rollout.spec is not None and self.rollout.spec.suspend

    @cached_property
    def asked(self) -> tuple[AskedAction, ...]:
        """Everything that is asked for, and what becomes of it."""
        return tuple(self._outcome(action, value) for action, value in self.rollout.actions.asked.items())

    def _outcome(self, action: Action, value: str) -> AskedAction:
        refusal = self._refusal(action)
        if refusal:
            return AskedAction(action=action, value=value, outcome=refusal, refused=True)
        about_another = not self._asks(action) and not (action is Action.PAUSE and value == ANY_REVISION)
        if about_another:
            return AskedAction(action=action, value=value, outcome=f"about another revision than {self.revision}")
        return AskedAction(action=action, value=value, outcome=self._effect(action))

    def _refusal(self, action: Action) -> str:
        """Returns why an action cannot be taken; "" where it can, or is about another revision."""
        malformed = _malformed(action, self.rollout.actions.argument(action))
        if malformed or not self._asks(action):
            return malformed
        if self._suspended:
            return "the Rollout is suspended"
        phase = self.rollout.state.phase
        return _TOO_LATE if action is Action.ABORT and phase in CONCLUDING and not self.copy_due else ""

    def _effect(self, action: Action) -> str:
        phase = self.rollout.state.phase
        if action is Action.RETRY:
            return "another attempt begins" if retry_due(self.rollout) else "used, or there is nothing to try again"
        if action in {Action.ABORT, Action.PROMOTE} and phase in _NO_EFFECT:
            return _NO_EFFECT[phase]
        if action is Action.PROMOTE and (self.aborts or self.is_paused):
            return "an abort goes before" if self.aborts else "a pause goes before"
        return "holds" if action is Action.PAUSE else "taken"


def _malformed(action: Action, argument: str) -> str:
    """Returns why what follows the revision cannot be right; "" where it can."""
    if action is Action.RETRY:
        if re.fullmatch(_ARGUMENT, argument):
            return ""
        needed = "another token" if argument else "a token"
        return f"a retry needs {needed}: <revision>/<token>, at most 63 letters, digits and . _ : + -"
    if action is Action.APPROVE:
        fits = not argument or argument.isdecimal()
        return "" if fits else f"{shown(argument)} is no weight: <revision> or <revision>/<weight>"
    return f"{shown(argument)} behind the revision means nothing" if argument else ""
