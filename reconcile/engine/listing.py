"""Lists the Rollouts in scope and selects those of the pass, the longest waiting first."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct

from reconcile.core.observation import Observation, Rival
from reconcile.model import rollout_manifest
from reconcile.model.errors import ClusterError, UsageError
from reconcile.model.kinds import ROLLOUT, Manifest, Ref, Scope

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from reconcile.engine.selection import Selection
    from reconcile.model.ports import Cluster
    from reconcile.model.rollout import Rollout


class Listing(Struct, frozen=True, kw_only=True):
    """All Rollouts in scope, those that are selected, and an error for each namespace that could not be listed."""

    rollouts: tuple[Rollout, ...]
    selected: tuple[Rollout, ...]
    errors: tuple[ClusterError, ...]

    def observations(self) -> list[Observation]:
        """Returns an observation of each selected Rollout with its rival, the longest waiting first.

        The rival may be a Rollout that is not selected.
        """
        rivals, shared = _rivals(self.rollouts), _shared(self.rollouts)
        return [
            Observation(rollout=item, rival=rivals.get(item.ref), shared=shared & {*_routes(item)})
            for item in sorted(self.selected, key=_last_activity)
        ]


def list_manifests(cluster: Cluster, selection: Selection) -> tuple[list[Manifest], tuple[ClusterError, ...]]:
    """Returns all Rollouts of the namespaces in scope, and an error for each namespace that could not be listed.

    Raises the first ClusterError if no namespace could be listed.
    """
    manifests: list[Manifest] = []
    errors: list[ClusterError] = []
    scopes = [Scope(namespace=namespace) for namespace in dict.fromkeys(selection.namespaces)] or [Scope()]
    for scope in scopes:
        try:
            manifests += cluster.list(ROLLOUT, scope)
        except ClusterError as error:
            errors.append(error)
    if len(errors) == len(scopes):
        raise errors[0]
    return manifests, tuple(errors)


def list_rollouts(cluster: Cluster, selection: Selection) -> Listing:
    """Lists and selects Rollouts.

    Raises ClusterError if no namespace could be listed, and UsageError for a name that does not exist.
    """
    manifests, errors = list_manifests(cluster, selection)
    rollouts_in_scope = tuple(rollout_manifest.parse(item) for item in manifests)
    matching = [item for item in rollouts_in_scope if selection.matches(item)]
    missing = set(selection.names) - {item.ref.name for item in matching}
    if missing and not errors:
        raise UsageError(f"no Rollout {', '.join(sorted(missing))} in {selection}")
    selected = tuple(item for item in matching if selection.shard.contains(item.ref))
    return Listing(rollouts=rollouts_in_scope, selected=selected, errors=errors)


def _last_activity(item: Rollout) -> tuple[str, Ref]:
    """Returns a sort key: the time of the last change or analysis, then the name.

    The analysis counts because a Rollout that its metrics halt changes nothing: it would come first in each pass.
    """
    last = max(filter(None, (item.state.last_advance, item.last_measured)), default=None)
    return (last.isoformat() if last else "", item.ref)


def _shared(rollouts: Sequence[Rollout]) -> frozenset[Ref]:
    """Returns the route objects that several Rollouts name."""
    users = Counter(route for item in rollouts for route in _routes(item))
    return frozenset(route for route, count in users.items() if count > 1)


def _routes(item: Rollout) -> tuple[Ref, ...]:
    return () if item.spec is None else item.routes


def _rivals(rollouts: Sequence[Rollout]) -> dict[Ref, Rival]:
    """Returns, for each Rollout whose route or Deployment an older one has, the oldest of these. Names break a tie."""
    first: dict[Hashable, Ref] = {}
    rivals: dict[Ref, Rival] = {}
    for item in sorted(rollouts, key=lambda one: (one.created is None, one.created or 0, one.ref)):
        if item.spec is None or item.deleted:
            continue
        hosts = frozenset({item.spec.primary_host, item.spec.canary_host})
        claims: list[tuple[Hashable, Ref]] = [
            *(((route, hosts), route) for route in item.routes),
            (item.primary, item.primary),
            (item.canary, item.canary),
        ]
        rival = next((Rival(first[claim], claimed) for claim, claimed in claims if claim in first), None)
        if rival is not None:
            rivals[item.ref] = rival
            continue
        first |= dict.fromkeys((claim for claim, _ in claims), item.ref)
    return rivals
