"""What is on record of a release, compared with the canary's present revision."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from reconcile.core import promotion, revision
from reconcile.core.orders import Orders, retry_due
from reconcile.core.state_machine import CONCLUDING, Order, Situation, Standing, Traffic
from reconcile.model import field_managers
from reconcile.model.rollout import Phase, State
from reconcile.model.template_diff import changes
from reconcile.model.template_hash import revision_without_annotations

if TYPE_CHECKING:
    from reconcile.core.case.objects import Objects
    from reconcile.model.field_managers import Writer
    from reconcile.model.kinds import Manifest

# What `managedFields` calls the program where it wrote itself.
SELF = "steerer"


class ReleaseRecord(Struct, frozen=True, dict=True):
    """The stored state, and how the canary and the primary compare with it.

    `appliers` are the field managers that write what steerer put into Git.
    """

    objects: Objects
    appliers: tuple[str, ...]

    @cached_property
    def revision(self) -> str:
        """The canary's present revision."""
        observation = self.objects.observation
        return observation.rollout.state.canary_revision if observation.unchanged else self.objects.canary.revision

    @cached_property
    def state(self) -> State:
        """The stored state, brought up to date where only the hash of the same object changed."""
        observation = self.objects.observation
        stored = observation.rollout.state
        return stored if observation.unchanged else revision.refreshed(stored, self.objects.canary)

    @cached_property
    def standing(self) -> Standing:
        """The canary's present revision, compared with the recorded one.

        Without a phase nothing was started, whatever is recorded. A promotion may have ended without its copy, because
        the canary moved on in between: then coming back to that revision starts it anew. So does a retry.
        """
        state = self.state
        dropped = state.phase is Phase.FINALISING and state.promoted_revision != state.canary_revision
        retried = retry_due(self.objects.observation.rollout)
        if self.revision == state.canary_revision and state.phase is not Phase.NEW and not dropped and not retried:
            return Standing.SAME
        return Standing.ON_PRIMARY if self.objects.on_primary else Standing.NEW

    @property
    def under_analysis(self) -> bool:
        """Whether the revision on record is under analysis, and still the canary's."""
        return self.state.phase is Phase.PROGRESSING and self.standing is Standing.SAME

    @property
    def parked(self) -> bool:
        """Whether the canary has 0 replicas and its revision never had traffic."""
        if self.objects.observation.unchanged:
            return False
        had_traffic = self.standing is Standing.SAME and (self.state.canary_weight or self.state.proven_weight) > 0
        return self.objects.canary.wanted == 0 and not had_traffic

    @property
    def copy_due(self) -> bool:
        """Whether the promotion was decided, and the primary's template was not written since."""
        return self._promoting and not self.is_copied and self.overwritten_by is None and not self.copy_undone

    @property
    def _promoting(self) -> bool:
        return self.state.phase is Phase.PROMOTING and self.standing is Standing.SAME

    @cached_property
    def is_copied(self) -> bool:
        """Whether the primary has what a copy of this revision became when it was stored.

        That may be more than was sent: admission may change it, and a restart adds an annotation. A copy is made once.
        """
        found, state = self.objects, self.state
        if found.on_primary or state.phase not in CONCLUDING or self.standing is not Standing.SAME:
            return found.on_primary
        stored = revision_without_annotations(found.primary.template)
        here, sent = _annotations(found.primary.template), _annotations(found.promoted_template)
        if state.promoted_revision == state.canary_revision:  # what was stored is on record, but for annotations
            return stored == state.primary_revision and (self._copied_by_us or sent.keys() <= here.keys())
        if self._copied_by_us:
            return stored != state.primary_revision or (bool(sent) and sent.items() <= here.items())
        if self.editor is not None and self.editor.manager in self.appliers:  # as it came from Git, past admission
            more = changes(found.promoted_template, found.primary.template)
            return stored != state.primary_revision and all(before is None for _, before, _ in more)
        restarted = self.editor is not None and sent.keys() < here.keys()
        return restarted and stored == revision_without_annotations(found.promoted_template)

    @property
    def copy_undone(self) -> bool:
        """Whether steerer wrote the template since the promotion was decided, and it is what it was before."""
        return self._promoting and not self.is_copied and self._copied_by_us

    @property
    def _copied_by_us(self) -> bool:
        writer = field_managers.last_writer(self.objects.primary.manifest, "spec", "template")
        since = self.state.last_transition
        return writer is not None and writer.manager == SELF and since is not None and writer.at >= since

    @property
    def edited(self) -> bool:
        """Whether somebody changed the primary's template since the revision started, and a promotion would undo that.

        False where the template at the start is not on record, such as in a release that an older version started.
        """
        before = self.state.primary_revision
        if not before or self.objects.on_primary:
            return False
        return revision_without_annotations(self.objects.primary.template) != before

    @property
    def editor(self) -> Writer | None:
        """Who wrote the primary's template last since the phase began; None if nobody is known to have."""
        writer = field_managers.last_writer(self.objects.primary.manifest, "spec", "template")
        since = self.state.last_transition
        if writer is None or writer.manager == SELF or (since is not None and writer.at < since):
            return None
        return writer

    @cached_property
    def overwritten_by(self) -> str | None:
        """The manager that changed the primary's template after the copy; None if there is none, or no copy yet."""
        if self.state.phase not in {Phase.PROMOTING, Phase.FINALISING} or self.standing is not Standing.SAME:
            return None
        if self.is_copied:
            return None
        writer = field_managers.last_writer(self.objects.primary.manifest, "spec", "template")
        if self.state.promoted_revision == self.state.canary_revision:
            return writer.manager if writer else "somebody"
        since, appliers = self.state.last_transition, (SELF, *self.appliers)
        # Written by another since the promotion was decided: whether the copy came before it is lost, so no fight.
        # Times are whole seconds, and the copy comes after the decision: in the same second it may have come before.
        if writer is not None and writer.manager not in appliers and since is not None and writer.at >= since:
            return writer.manager
        return None

    @property
    def with_promotion(self) -> State:
        """The state, with the promoted revision on record if the primary carries it."""
        state, found = self.state, self.objects
        if self.standing is Standing.SAME:
            promoted = self.is_copied
        else:
            promoted = promotion.is_promoted_revision(
                state.canary_revision, found.canary, found.primary, found.identity
            )
        if not promoted:
            return state
        stored = revision_without_annotations(found.primary.template)
        return replace(state, promoted_revision=state.canary_revision, primary_revision=stored)

    @cached_property
    def orders(self) -> Orders:
        """What a person asks for of the canary's present revision."""
        return Orders(self.objects.observation.rollout, self.revision, copy_due=self.copy_due)

    def situation(self, traffic: Traffic, order: Order = Order.NONE) -> Situation:
        """Returns the situation that the state machine finds a row for."""
        return Situation(
            phase=self.state.phase,
            standing=self.standing,
            traffic=traffic,
            parked=self.parked,
            copy_due=self.copy_due,
            order=order,
        )


def _annotations(template: Manifest) -> Manifest:
    return (template.get("metadata") or {}).get("annotations") or {}
