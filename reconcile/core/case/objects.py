"""The Deployments, Services and autoscalers of one Rollout."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from reconcile.core import promotion
from reconcile.core.observation import parsed
from reconcile.core.stops import GateError, StopError
from reconcile.model import objects, service
from reconcile.model.destination_rule import subsets
from reconcile.model.errors import ClusterError
from reconcile.model.fields import Fields
from reconcile.model.kinds import AUTOSCALER
from reconcile.model.template_diff import changes
from reconcile.model.template_hash import revision

if TYPE_CHECKING:
    from reconcile.core.observation import Observation
    from reconcile.model.destination_rule import Subset
    from reconcile.model.kinds import Manifest, Ref
    from reconcile.model.objects import Autoscaler, Deployment
    from reconcile.model.service import Service


class Objects(Struct, frozen=True, dict=True):
    """The objects of one Rollout, except for the route. Each is parsed once."""

    observation: Observation

    @cached_property
    def primary(self) -> Deployment:
        """The primary Deployment."""
        _ = self.observation.spec  # an invalid one names no objects
        return self.observation.parsed_primary

    @cached_property
    def canary(self) -> Deployment:
        """The canary Deployment."""
        _ = self.observation.spec
        return self.observation.parsed_canary

    @cached_property
    def primary_service(self) -> Service:
        """The Service of the primary."""
        ref = self.observation.rollout.primary_service
        return parsed(ref, self.observation.around.primary_service, service.service, self.observation.files)

    @cached_property
    def canary_service(self) -> Service:
        """The Service of the canary."""
        ref = self.observation.rollout.canary_service
        return parsed(ref, self.observation.around.canary_service, service.service, self.observation.files)

    def autoscalers_of(self, deployment: Ref) -> tuple[Autoscaler, ...]:
        """Returns the autoscalers of a Deployment: found by what they target, not by name."""
        found = self.observation.around.autoscalers
        if isinstance(found, ClusterError):
            raise GateError(f"HorizontalPodAutoscalers cannot be read: {found}")
        return tuple(self._autoscaler(manifest) for manifest in found if objects.scales(manifest, deployment))

    def _autoscaler(self, manifest: Manifest) -> Autoscaler:
        ref = objects.ref_of(AUTOSCALER, Fields(value=manifest).child("metadata"))
        return parsed(ref, manifest, objects.autoscaler, self.observation.files)

    def subsets_of(self, service: Ref) -> tuple[Subset, ...]:
        """Returns all subsets of one of the two Services; empty where no managed route names any."""
        rules = self.observation.around.destination_rules
        if isinstance(rules, ClusterError):
            raise GateError(f"DestinationRules (namespace {service.namespace}) cannot be read: {rules}")
        return subsets(rules, service)

    @cached_property
    def primary_subsets(self) -> tuple[Subset, ...]:
        """The subsets of the primary's Service that the managed routes name, as far as they are defined."""
        named = self.observation.split.primary_subsets
        return tuple(item for item in self.subsets_of(self.observation.rollout.primary_service) if item.name in named)

    @cached_property
    def identity(self) -> promotion.Identity:
        """The labels that the primary keeps. A Service or a subset that is missing adds none; its own gate halts."""
        services = []
        for name in ("primary_service", "canary_service"):
            try:
                services.append(getattr(self, name))
            except GateError:
                continue
        try:
            named = self.primary_subsets
        except StopError:
            named = ()
        return promotion.identity_of(self.primary, services, named, self.observation.spec.promotion.keep)

    @cached_property
    def promoted_template(self) -> Manifest:
        """The template that a promotion of the canary's present one writes to the primary."""
        return promotion.promoted_template(self.canary, self.primary, self.identity)

    @cached_property
    def changed_by_copy(self) -> list[tuple[str, Any, Any]]:
        """The paths that this changes in the primary's template, each with the old and the new value; None = absent."""
        return changes(self.primary.template, self.promoted_template)

    @cached_property
    def on_primary(self) -> bool:
        """Whether the primary already runs the canary's present template. False without a primary."""
        try:
            return revision(self.promoted_template) == self.primary.revision
        except GateError:
            return False
