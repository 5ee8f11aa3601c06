"""The weights of the managed routes, compared with what is on record. All weights are in percent."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from reconcile.core.case.record import SELF
from reconcile.core.state_machine import RESTING, Traffic
from reconcile.core.stops import StopError
from reconcile.model import field_managers
from reconcile.model.kinds import VIRTUAL_SERVICE

if TYPE_CHECKING:
    from datetime import datetime

    from reconcile.core.case.record import ReleaseRecord
    from reconcile.core.observation import Observation
    from reconcile.core.routers.split import Split
    from reconcile.model.field_managers import Writer
    from reconcile.model.kinds import Ref
    from reconcile.model.rollout import Spec, State
    from reconcile.model.settings import Settings


class Weights(Struct, frozen=True, dict=True):
    """The canary's weight as it is stored, as it is on record, and who wrote it last."""

    observation: Observation
    record: ReleaseRecord
    settings: Settings

    @property
    def split(self) -> Split:
        """The weights of all managed routes as they are stored."""
        return self.observation.split

    @property
    def splits(self) -> dict[Ref, Split]:
        """The weights of each object that splits the traffic."""
        return self.observation.splits

    @property
    def needs_http(self) -> bool:
        """Whether the managed routes work only where Istio takes the ports of the Services for HTTP.

        A route that cannot be used is taken for the usual one.
        """
        try:
            return any(port.is_http for port in self.split.primary_ports)
        except StopError:
            return any(ref.kind == VIRTUAL_SERVICE for ref in self.observation.rollout.routes)

    @cached_property
    def traffic(self) -> Traffic:
        """What the table of the state machine calls these weights."""
        if self.put_back is not None:
            if self._state.proven_weight < self.recorded:
                return Traffic.REVERTED
            return Traffic.FULL_REVERTED if self.recorded >= self._spec.steps.maximum else Traffic.SOME_REVERTED
        if self.split.highest == 0:
            return Traffic.NONE
        if self.split.lowest == 0:
            return Traffic.UNEVEN
        return Traffic.FULL if self.split.lowest >= self._spec.steps.maximum else Traffic.SOME

    @property
    def recorded(self) -> int:
        """The weight last asked for, within today's maximum."""
        return min(self._state.canary_weight, self._spec.steps.maximum)

    @property
    def restorable(self) -> int:
        """The weight to restore: the highest that the canary is known to have had, and never less than the first step.

        Whether the weight last asked for was ever stored is not known. The first step is made without analysis anyway.
        """
        return min(max(self._state.proven_weight, self._spec.steps.first), self.recorded)

    @property
    def reached(self) -> int:
        """The weight to advance from: what is stored, or what it was until a GitOps tool put it back."""
        return self.split.lowest if self.put_back is None else self.recorded

    @cached_property
    def put_back(self) -> tuple[Ref, Writer] | None:
        """The route whose weight a GitOps tool lowered for the revision under way, and the tool; None if there is none.

        A pass that died between its status and its first weight leaves the same picture, but for the time: then the
        tool wrote before the status did, and the start is simply made again.
        """
        state, lowest = self._state, self.split.lowest
        if not self.record.under_analysis or lowest >= self.restorable:
            return None
        lowered = [ref for ref, split in self.splits.items() if split.lowest < self.restorable]
        writers = {ref: self._writers(ref) for ref in lowered}
        # Another owner of the field means the same value: an operator's stop stays one.
        if not all(map(self._are_gitops, writers.values())):
            return None
        ref = max(lowered, key=lambda each: writers[each][0].at)
        writer = writers[ref][0]
        first_step = lowest == 0 and state.canary_weight <= self._spec.steps.first
        if first_step and state.last_advance is not None and writer.at < state.last_advance:
            return None
        return ref, writer

    def _are_gitops(self, writers: list[Writer]) -> bool:
        return bool(writers) and all(item.manager in self.settings.gitops_managers for item in writers)

    @property
    def since(self) -> datetime | None:
        """The time since which the canary has the weight on record.

        With Git as the target this is when a tool applied it, which may be later: what was measured before is of
        another weight. Elsewhere the writer does not count: a tool that writes the route again and again would put
        off every step.
        """
        stored = self._state.last_advance
        if (
            stored is None
            or not self.settings.appliers
            or self._state.phase in RESTING
            or self.split.lowest != self._state.canary_weight
        ):
            return stored
        applied = [writers[0].at for writers in self._all_writers if writers and writers[0].manager != SELF]
        return max([stored, *applied])

    def written_within(self, seconds: float, now: datetime) -> bool:
        """Returns whether somebody gave the canary traffic in the last seconds, as far as the store tells."""
        found = self._all_writers if self.split.highest > 0 else []
        return any(writers and (now - writers[0].at).total_seconds() < seconds for writers in found)

    @property
    def _spec(self) -> Spec:
        return self.observation.spec

    @property
    def _state(self) -> State:
        return self.record.state

    @property
    def _all_writers(self) -> list[list[Writer]]:
        return [self._writers(ref) for ref in self.splits]

    def _writers(self, route: Ref) -> list[Writer]:
        """Returns who owns the part of a route that has the weights, the last to write first."""
        lists = sorted(self.splits[route].lists)
        found = [writer for path in lists for writer in field_managers.writers(self.observation.route(route), *path)]
        return sorted(found, key=lambda writer: writer.at, reverse=True)
