"""What a pass has read of one Rollout, and the typed look at it.

Duty: `Observation` is the raw reading, `Case` the typed view of it on which gates and moves work. A view that cannot
be had raises GateError with the words for it. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from reconcile.core import promotion, revision, routers
from reconcile.core.state_machine import RESTING, Situation, Standing, Traffic
from reconcile.model import objects
from reconcile.model.errors import ClusterError, InvalidObjectError, PendingError
from reconcile.model.kinds import Version
from reconcile.model.rollout import Phase, Rollout, Spec, State

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from reconcile.model.kinds import Manifest, Ref
    from reconcile.model.objects import Autoscaler, Deployment, Service, Writer
    from reconcile.model.plan import Settings

View = TypeVar("View")
# What `managedFields` calls the program where it wrote itself.
SELF = "steerer"


class StopError(Exception):
    """The walk through the gates ends here: a view cannot be had, or a gate does not open."""


class WaitError(StopError):
    """Nothing is wrong, and nothing is to be done yet; the text says what is waited for."""


class GateError(StopError):
    """A gate fails: `reason` in words. `event` is the whole text of the Event, where it is not just the reason."""

    def __init__(self, reason: str, event: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.event = event


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What is read for a Rollout that is not at rest. `autoscalers` are all of the namespace."""

    primary_service: Manifest | ClusterError | None
    canary_service: Manifest | ClusterError | None
    route: Manifest | ClusterError | None
    autoscalers: tuple[Manifest, ...] | ClusterError


@dataclass(frozen=True, kw_only=True)
class Observation:
    """All that was read for one Rollout; at rest only the canary. `rival` is older and claims the same route.

    `unchanged`: the canary was not even read, because it still is what is on record.
    """

    rollout: Rollout
    rival: Ref | None = None
    primary: Manifest | ClusterError | None = None
    canary: Manifest | ClusterError | None = None
    unchanged: bool = False
    surroundings: Surroundings | None = None

    @property
    def known(self) -> Version | None:
        """The version of the canary that is on record, of a Rollout at rest: if it is that still, nothing is new."""
        state = self.rollout.state
        if self.rollout.spec is None or state.phase not in RESTING or not state.canary_revision:
            return None
        return None if state.canary_generation is None else Version(state.canary_uid, state.canary_generation)

    @property
    def under_way(self) -> bool:
        """Say whether all that surrounds it has to be looked at, whatever the canary is."""
        return self.rollout.spec is not None and self.rival is None and self.rollout.state.phase not in RESTING

    @property
    def at_rest(self) -> bool:
        """Say whether nothing can be asked for but a new revision, and there is none: no more needs to be read."""
        if self.under_way:
            return False
        if self.rollout.spec is None or self.rival is not None or self.unchanged:
            return True
        try:
            canary = self.canary_view
        except StopError:
            return True
        state = revision.refreshed(self.rollout.state, canary)
        return state.canary_revision == canary.revision

    @cached_property
    def canary_view(self) -> Deployment:
        """The canary Deployment, read once however often it is decided about."""
        if self.unchanged:
            raise LookupError(f"{self.rollout.ref} was observed as if its canary were of no interest")
        return _read(self.rollout.canary, self.canary, objects.deployment)

    @cached_property
    def primary_view(self) -> Deployment:
        """The primary Deployment, likewise."""
        return _read(self.rollout.primary, self.primary, objects.deployment)


@dataclass(frozen=True)
class Case:
    """One Rollout in one pass, seen through types. Every view is made once, when it is first looked at."""

    observation: Observation
    settings: Settings
    now: datetime

    @property
    def rollout(self) -> Rollout:
        """The Rollout."""
        return self.observation.rollout

    @property
    def spec(self) -> Spec:
        """What the Rollout asks for. An invalid one names no objects, so that none can be looked at either."""
        if self.rollout.spec is None:
            raise GateError("; ".join(self.rollout.problems))
        return self.rollout.spec

    @cached_property
    def primary(self) -> Deployment:
        """The primary Deployment."""
        _ = self.spec
        return self.observation.primary_view

    @cached_property
    def canary(self) -> Deployment:
        """The canary Deployment."""
        _ = self.spec
        return self.observation.canary_view

    @property
    def canary_name(self) -> str:
        """`name.namespace` of the canary, as in every message."""
        ref = self.rollout.canary
        return f"{ref.name}.{ref.namespace}"

    @property
    def _around(self) -> Surroundings:
        if self.observation.surroundings is None:
            raise LookupError(f"{self.rollout.ref} was observed as if at rest")
        return self.observation.surroundings

    @cached_property
    def primary_service(self) -> Service:
        """The Service of the primary."""
        return _read(self.rollout.primary_service, self._around.primary_service, objects.service)

    @cached_property
    def canary_service(self) -> Service:
        """The Service of the canary."""
        return _read(self.rollout.canary_service, self._around.canary_service, objects.service)

    @cached_property
    def split(self) -> routers.Split:
        """The weights as they are stored."""
        ref = self.rollout.route
        return _read(ref, self._around.route, lambda manifest: _split(ref, manifest, self.spec))

    @cached_property
    def autoscalers(self) -> tuple[Autoscaler, ...]:
        """The autoscalers of the canary."""
        return self.autoscalers_of(self.rollout.canary)

    def autoscalers_of(self, deployment: Ref) -> tuple[Autoscaler, ...]:
        """Give the autoscalers of a Deployment: found by what they target, not by name."""
        seen = self._around.autoscalers
        if isinstance(seen, ClusterError):
            raise GateError(f"HorizontalPodAutoscalers cannot be read: {seen}")
        try:
            found = tuple(objects.autoscaler(manifest) for manifest in seen)
        except InvalidObjectError as error:
            raise GateError(f"a HorizontalPodAutoscaler cannot be used: {error}") from error
        return tuple(item for item in found if item.targets(deployment))

    @cached_property
    def identity(self) -> promotion.Identity:
        """The labels that the primary keeps. A Service that is missing has no selector; its own gate says so."""
        services = []
        for name in ("primary_service", "canary_service"):
            try:
                services.append(getattr(self, name))
            except GateError:
                continue
        return promotion.identity(self.primary, services)

    @cached_property
    def revision(self) -> str:
        """The canary's present revision."""
        if self.observation.unchanged:
            return self.rollout.state.canary_revision
        return self.canary.revision

    @cached_property
    def state(self) -> State:
        """What is on record, brought up to date where only the hash of the same object changed."""
        if self.observation.unchanged:
            return self.rollout.state
        return revision.refreshed(self.rollout.state, self.canary)

    @cached_property
    def standing(self) -> Standing:
        """The canary's present revision against the recorded one.

        Without a phase nothing was begun, whatever is recorded; and where a promotion ended without its copy, because
        the canary moved on in between, coming back to that revision begins it anew.
        """
        state = self.state
        dropped = state.phase is Phase.FINALISING and state.promoted_revision != state.canary_revision
        if self.revision == state.canary_revision and state.phase is not Phase.NEW and not dropped:
            return Standing.SAME
        return Standing.ON_PRIMARY if self.carried else Standing.NEW

    @cached_property
    def carried(self) -> bool:
        """Whether the primary runs what the canary's present template makes of it."""
        try:
            return promotion.carries(self.canary, self.primary, self.identity)
        except GateError:  # no primary to be seen
            return False

    @property
    def parked(self) -> bool:
        """Whether the canary waits at 0 replicas for a revision that never had traffic."""
        if self.observation.unchanged:
            return False
        had_traffic = self.standing is Standing.SAME and (self.state.canary_weight or self.state.proven_weight) > 0
        return self.canary.wanted == 0 and not had_traffic

    @cached_property
    def traffic(self) -> Traffic:
        """What the managed routes give to the canary."""
        if self.put_back_by is not None:
            if self.state.proven_weight < self.recorded_weight:
                return Traffic.REVERTED
            return Traffic.FULL_REVERTED if self.recorded_weight >= self.spec.max_weight else Traffic.SOME_REVERTED
        if self.split.highest == 0:
            return Traffic.NONE
        if self.split.lowest == 0:
            return Traffic.UNEVEN
        return Traffic.FULL if self.split.lowest >= self.spec.max_weight else Traffic.SOME

    @property
    def recorded_weight(self) -> int:
        """The weight last asked for, within today's maximum."""
        return min(self.state.canary_weight, self.spec.max_weight)

    @property
    def restorable_weight(self) -> int:
        """The weight to restore: the highest that the canary is known to have had, and never less than the first step.

        Whether the weight last asked for was ever stored is not known. The first step is made without analysis anyway.
        """
        return min(max(self.state.proven_weight, self.spec.step_weight), self.recorded_weight)

    @property
    def reached_weight(self) -> int:
        """The weight to count on from: what is stored, or what it was until a GitOps tool put it back."""
        return self.split.lowest if self.put_back_by is None else self.recorded_weight

    @cached_property
    def put_back_by(self) -> Writer | None:
        """The GitOps tool that lowered the weight of the revision under way; None for anybody else, or nobody.

        A pass that died between its status and its first weight leaves the same picture, but for the time: then the
        tool wrote before the status did, and the start is simply made again.
        """
        state, lowest = self.state, self.split.lowest
        if not self._analysed or lowest >= self.restorable_weight:
            return None
        writers = self._route_writers
        # Somebody else who owns the field as well means the same value: an operator's stop stays one.
        if not writers or any(item.manager not in self.settings.gitops_managers for item in writers):
            return None
        writer = writers[0]
        first_step = lowest == 0 and state.canary_weight <= self.spec.step_weight
        if first_step and state.last_advance is not None and writer.at < state.last_advance:
            return None
        return writer

    @property
    def _analysed(self) -> bool:
        """Whether the revision on record is under analysis, and still the canary's."""
        return self.state.phase is Phase.PROGRESSING and self.standing is Standing.SAME

    @property
    def _route_writers(self) -> list[Writer]:
        """Who owns the part of the route that has the weights, the last to write first."""
        route = self._around.route
        path = routers.ROUTERS[self.rollout.route.kind.name].written
        return objects.writers(route, *path) if isinstance(route, dict) else []

    @property
    def weighted_at(self) -> datetime | None:
        """When the weight on record came to be: as it was stored, or later, where somebody else has to bring it about.

        With Git as the target that is the tool which applies it, and what was measured before is of another weight.
        Anywhere else a tool that writes the route again and again would put every step off.
        """
        stored = self.state.last_advance
        if (
            stored is None
            or not self.settings.appliers
            or self.state.phase in RESTING
            or self.split.lowest != self.state.canary_weight
        ):
            return stored
        writers = self._route_writers
        return max(stored, writers[0].at) if writers and writers[0].manager != SELF else stored

    @cached_property
    def overwritten_by(self) -> str | None:
        """Who changed the primary's template after the copy; None if nobody did, or if there was no copy yet."""
        if self.state.phase not in {Phase.PROMOTING, Phase.FINALISING} or self.standing is not Standing.SAME:
            return None
        if self.carried:
            return None
        writer = objects.last_writer(self.primary.manifest, "spec", "template")
        if self.state.promoted_revision == self.state.canary_revision:
            return writer.manager if writer else "somebody"
        since, appliers = self.state.last_transition, (SELF, *self.settings.appliers)
        # Written by another since the promotion was decided: whether the copy came before it is lost, so no fight.
        # Times are whole seconds, and the copy comes after the decision: in the same second it may have come before.
        if writer is not None and writer.manager not in appliers and since is not None and writer.at >= since:
            return writer.manager
        return None

    def situation(self, traffic: Traffic) -> Situation:
        """Put together what the table looks at."""
        promoting = self.state.phase is Phase.PROMOTING and self.standing is Standing.SAME
        return Situation(
            phase=self.state.phase,
            standing=self.standing,
            traffic=traffic,
            parked=self.parked,
            copy_due=promoting and not self.carried and self.overwritten_by is None,
        )

    @property
    def lowered(self) -> State:
        """The state that a halted pass stores: a weight that somebody lowered is the one on record from then on.

        Who wrote it is known only until the next one writes the route: a GitOps tool must not be taken for them then.
        """
        state = self.state
        if not self._analysed or self.put_back_by is not None or self.split.lowest >= state.canary_weight:
            return state
        return replace(state, canary_weight=self.split.lowest, proven_weight=self.restorable_weight)

    @cached_property
    def adopted(self) -> State:
        """The state that a halted pass stores: a Rollout found with traffic is under way from then on."""
        state = self.state
        if state.phase is Phase.NEW and self.split.highest > 0:
            state = revision.recorded(state, self.canary)
            state = replace(state, phase=Phase.PROGRESSING, canary_weight=self.split.lowest, last_transition=self.now)
        return state


def _read(ref: Ref, seen: Manifest | ClusterError | None, view: Callable[[Manifest], View]) -> View:
    if seen is None:
        raise GateError(f"{ref} is missing")
    if isinstance(seen, PendingError):
        raise WaitError(f"{ref}: {seen}")
    if isinstance(seen, ClusterError):
        raise GateError(f"{ref} cannot be read: {seen}")
    try:
        return view(seen)
    except InvalidObjectError as error:
        raise GateError(f"{ref} cannot be used: {error}") from error


def _split(ref: Ref, manifest: Manifest, spec: Spec) -> routers.Split:
    read = routers.ROUTERS[ref.kind.name].read
    return read(manifest, namespace=ref.namespace, primary=spec.primary_host, canary=spec.canary_host)
