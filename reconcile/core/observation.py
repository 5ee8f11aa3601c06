"""What a pass has read of one Rollout, as it was read.

What the objects mean for the release is in `case`.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from reconcile.core import health, messages, revision, routers
from reconcile.core.orders import retry_due
from reconcile.core.routers.split import joined
from reconcile.core.state_machine import CONCLUDING, RESTING
from reconcile.core.stops import GateError, StopError, WaitError
from reconcile.model import objects
from reconcile.model.errors import ClusterError, ElsewhereError, InvalidObjectError, PendingError, RefusedError
from reconcile.model.kinds import Version
from reconcile.model.rollout import Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconcile.core.routers.split import Split
    from reconcile.model.kinds import Manifest, Ref
    from reconcile.model.objects import Deployment
    from reconcile.model.rollout import Rollout, Spec

Parsed = TypeVar("Parsed")


class Surroundings(Struct, frozen=True, kw_only=True):
    """What is read only for a Rollout that is not at rest. `autoscalers` are all of the namespace.

    `routes` are the objects that split the traffic. `all_routes` are all of their kinds in the namespace, where the
    canary may be scaled to zero.
    `endpoints` are the EndpointSlices of the primary's Service, where all traffic may be routed to it after the copy;
    a MissingError in a cluster without controllers. `destination_rules` are those of the namespace, where a managed
    route names a subset. `scaled_objects` are those of the namespace: no pass reads them.
    """

    primary_service: Manifest | ClusterError | None
    canary_service: Manifest | ClusterError | None
    routes: Mapping[Ref, Manifest | ClusterError | None]
    autoscalers: tuple[Manifest, ...] | ClusterError = ()
    all_routes: tuple[Manifest, ...] | ClusterError = ()
    endpoints: tuple[Manifest, ...] | ClusterError = ()
    destination_rules: tuple[Manifest, ...] | ClusterError = ()
    scaled_objects: tuple[Manifest, ...] | ClusterError = ()


class Rival(Struct, frozen=True):
    """An older Rollout, and the object that both of them name: the route with the same hosts, or a Deployment."""

    rollout: Ref
    claimed: Ref


class Observation(Struct, frozen=True, kw_only=True, dict=True):
    """All that was read for one Rollout; at rest only the canary.

    `shared` are the route objects that other Rollouts name too. `common_cause`: others fail in the same pass, in words.
    `unchanged`: the canary was not even read, because it still has the version that is on record.
    `files`: the file of each object, where objects are in files.
    """

    rollout: Rollout
    rival: Rival | None = None
    shared: frozenset[Ref] = frozenset()
    common_cause: str = ""
    primary: Manifest | ClusterError | None = None
    canary: Manifest | ClusterError | None = None
    unchanged: bool = False
    surroundings: Surroundings | None = None
    files: Mapping[Ref, str] = field(default_factory=dict)

    @property
    def known(self) -> Version | None:
        """The version of the canary on record, of a Rollout at rest. A canary that still has it has nothing new."""
        state = self.rollout.state
        if self.rollout.spec is None or state.phase not in RESTING or not state.canary_revision:
            return None
        if retry_due(self.rollout):
            return None
        return None if state.canary_generation is None else Version(state.canary_uid, state.canary_generation)

    @property
    def under_way(self) -> bool:
        """Whether the surroundings have to be read, whatever the canary is."""
        return self.rollout.spec is not None and self.rival is None and self.rollout.state.phase not in RESTING

    @property
    def may_scale_down(self) -> bool:
        """Whether this pass may scale the canary to zero, as far as the record and the canary's template tell."""
        state = self.rollout.state
        if state.phase in {Phase.FINALISING, Phase.ROLLING_BACK}:
            return True
        if state.phase not in {Phase.PROGRESSING, Phase.FAILED}:
            return False
        try:
            return self.parsed_canary.revision != state.canary_revision
        except StopError:
            return False

    @cached_property
    def splits(self) -> dict[Ref, Split]:
        """The weights as they are stored, of each object that splits the traffic."""
        return {ref: self.split_of(ref) for ref in self.rollout.routes}

    def split_of(self, ref: Ref) -> Split:
        """Returns the weights as they are stored of one object. Raises GateError where it cannot be used."""
        read, spec = routers.ROUTERS[ref.kind].read, self.spec
        return parsed(
            ref,
            self.around.routes.get(ref),
            lambda route: read(route, namespace=ref.namespace, primary=spec.primary_host, canary=spec.canary_host),
            self.files,
        )

    @cached_property
    def split(self) -> Split:
        """The weights of all of these objects: they move together."""
        return joined(self.splits.values())

    @property
    def names_subsets(self) -> bool:
        """Whether a managed route names a subset: then what the subset selects has to be known."""
        try:
            return bool(self.split.primary_subsets | self.split.canary_subsets)
        except StopError:
            return False

    @property
    def may_conclude(self) -> bool:
        """Whether this pass may route all traffic to the primary after a promotion: it is rolled out."""
        phase = self.rollout.state.phase
        try:
            if phase not in CONCLUDING or health.unhealthy(self.parsed_primary) is not None:
                return False
        except StopError:
            return False
        # Then the traffic was routed back before, unless that was lost or somebody took it back.
        found = [route for route in self.around.routes.values() if isinstance(route, dict)]
        splits, _ = routers.leading_to(found, self.rollout.canary_service.name)
        return phase is Phase.PROMOTING or bool(splits)

    @property
    def at_rest(self) -> bool:
        """Whether only a new revision could start something, and there is none: no more needs to be read."""
        if self.under_way:
            return False
        if self.rollout.spec is None or self.rival is not None or self.unchanged:
            return True
        try:
            canary = self.parsed_canary
        except StopError:
            return True
        state = revision.refreshed(self.rollout.state, canary)
        return state.canary_revision == canary.revision and not retry_due(self.rollout)

    @property
    def spec(self) -> Spec:
        """What the Rollout asks for. Raises GateError for an invalid one."""
        if self.rollout.spec is None:
            raise GateError("; ".join(self.rollout.problems))
        return self.rollout.spec

    @cached_property
    def parsed_primary(self) -> Deployment:
        """The primary Deployment. Parsed once, although a Rollout may be decided about twice."""
        return parsed(self.rollout.primary, self.primary, objects.deployment, self.files)

    @cached_property
    def parsed_canary(self) -> Deployment:
        """The canary Deployment, parsed once."""
        if self.unchanged:
            raise LookupError(f"{self.rollout.ref} was observed as if its canary were of no interest")
        return parsed(self.rollout.canary, self.canary, objects.deployment, self.files)

    def route(self, ref: Ref) -> Manifest:
        """Returns the manifest of an object that splits the traffic; empty where it cannot be read."""
        found = self.around.routes.get(ref)
        return found if isinstance(found, dict) else {}

    def with_error(self, ref: Ref, error: ClusterError) -> Observation:
        """Returns the observation with one of the objects that a pass writes as one that cannot be used."""
        rollout = self.rollout
        if ref in rollout.routes:
            return self.with_route(ref, error)
        return replace(
            self,
            canary=error if ref == rollout.canary else self.canary,
            primary=error if ref == rollout.primary else self.primary,
        )

    def with_route(self, ref: Ref, route: Manifest | ClusterError) -> Observation:
        """Returns the observation with another state of a route object."""
        return self.with_surroundings(routes={**self.around.routes, ref: route})

    def with_surroundings(self, **changes: Any) -> Observation:
        """Returns the observation with other members of the surroundings. What is parsed of the others stays parsed."""
        other = replace(self, surroundings=replace(self.around, **changes))
        kept = {"parsed_primary", "parsed_canary"} | ({"splits", "split"} if "routes" not in changes else set())
        vars(other).update({key: value for key, value in vars(self).items() if key in kept})
        return other

    @property
    def around(self) -> Surroundings:
        """The surroundings. Raises LookupError where they were not read: to ask for them then is a defect."""
        if self.surroundings is None:
            raise LookupError(f"{self.rollout.ref} was observed as if at rest")
        return self.surroundings


def parsed(
    ref: Ref, found: Manifest | ClusterError | None, parse: Callable[[Manifest], Parsed], files: Mapping[Ref, str]
) -> Parsed:
    """Returns the typed object. `files` has its file, if it is in one.

    Raises WaitError for an object that is pending, GateError for one that is missing, unreadable or invalid.
    """
    if found is None:
        raise GateError(f"{ref} is missing")
    if isinstance(found, PendingError):
        raise WaitError(f"{ref}: {found}", remedy=messages.HAVE_IT_APPLIED)
    if isinstance(found, RefusedError) and found.target is not None:
        raise GateError(str(found))
    if isinstance(found, ElsewhereError):
        raise GateError(f"{ref} is missing: {found}")
    if isinstance(found, ClusterError):
        raise GateError(f"{ref} cannot be read: {found}")
    try:
        return parse(found)
    except InvalidObjectError as error:
        where = f" in {files[ref]}" if ref in files else ""
        raise GateError(f"{ref}{where} cannot be used: {error}") from error
