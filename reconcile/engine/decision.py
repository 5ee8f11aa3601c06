"""One decision of a pass with all that it was made from, so that it can be made again on newer facts."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from reconcile.core.decide import decide
from reconcile.core.state_machine import Move
from reconcile.model.plan import Plan, Position

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reconcile.core.case import Case
    from reconcile.core.observation import Observation
    from reconcile.model.errors import ClusterError
    from reconcile.model.kinds import Manifest, Ref
    from reconcile.model.measurement import Answer, Question
    from reconcile.model.plan import Patch

LOG = logging.getLogger("steerer.engine")


class Decision(Struct, frozen=True, kw_only=True):
    """What a decision about one Rollout rests on."""

    case: Case
    answers: Mapping[Question, Answer] | None = None

    @property
    def observation(self) -> Observation:
        """What was read."""
        return self.case.observation

    def plan(self, now: datetime) -> Plan:
        """Decides. An exception is a defect of steerer: it halts this Rollout and no other one."""
        try:
            return decide(self.case.at(now), self.answers)
        except Exception as error:
            rollout = self.observation.rollout
            LOG.exception("%s could not be decided", rollout.ref)
            position = Position(phase=rollout.state.phase.value, weight=None)
            reason = internal_error(error)
            return Plan(
                rollout=rollout.ref, move=Move.HALT.value, reason=reason, before=position, after=position, error=reason
            )

    def shares(self, patch: Patch) -> bool:
        """Whether a patch is to a route object that other Rollouts name as well."""
        return patch.target in self.observation.shared

    def without(self, ref: Ref, error: ClusterError) -> Decision:
        """Returns the decision where an object cannot be used."""
        return self._on(self.observation.with_error(ref, error))

    def with_common_cause(self, words: str) -> Decision:
        """Returns the decision of a pass in which many canaries fail at once."""
        return self._on(replace(self.observation, common_cause=words))

    def on_route(self, ref: Ref, route: Manifest) -> Decision:
        """Returns the decision on another state of a route object."""
        return self._on(self.observation.with_route(ref, route))

    def _on(self, observation: Observation) -> Decision:
        return replace(self, case=replace(self.case, observation=observation))


def internal_error(error: Exception) -> str:
    """Returns the words for an exception that is a defect of steerer."""
    return f"internal error: {type(error).__name__}: {error}"
