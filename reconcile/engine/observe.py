"""Reads the cluster once and joins each Rollout with its own objects.

It knows which objects are needed and when. It does not know what they mean: that is `reconcile.core`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from reconcile.core.observation import Observation, Surroundings
from reconcile.engine.concurrency import map_concurrently
from reconcile.engine.listing import list_rollouts
from reconcile.model.endpoints import SERVICE_NAME
from reconcile.model.errors import ClusterError, MissingError
from reconcile.model.kinds import (
    AUTOSCALER,
    DESTINATION_RULE,
    ENDPOINT_SLICE,
    SCALED_OBJECT,
    Kind,
    Manifest,
    Ref,
    Scope,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from reconcile.engine.selection import Selection
    from reconcile.model.ports import Cluster
    from reconcile.model.rollout import Rollout


class Snapshot(Struct, frozen=True, kw_only=True):
    """What was read. `list_errors` has an error for each namespace whose Rollouts could not be listed."""

    observations: tuple[Observation, ...]
    list_errors: tuple[ClusterError, ...] = ()


def observe(cluster: Cluster, selection: Selection) -> Snapshot:
    """Reads what a decision about the selected Rollouts needs; observations are in the order of waiting.

    Raises ClusterError if no Rollouts can be listed at all, and UsageError for a name that does not exist.
    """
    listing = list_rollouts(cluster, selection)
    files = _files(cluster)
    observations = _mark_unchanged(cluster, [replace(item, files=files) for item in listing.observations()])
    cache = _ObjectCache(cluster)
    # A release in progress needs its surroundings whatever its canary looks like: they are read in the same request.
    cache.read(
        *(item.rollout.canary for item in observations if item.rollout.spec is not None and not item.unchanged),
        *(ref for item in observations if item.under_way for ref in _surrounding_refs(item.rollout)),
    )
    observations = [_add_canary(cache, item) for item in observations]
    active = {item.rollout.ref for item in observations if not item.at_rest}
    return Snapshot(observations=tuple(_add_surroundings(cache, observations, active)), list_errors=listing.errors)


def observe_everything(cluster: Cluster, selection: Selection) -> tuple[Snapshot, tuple[Rollout, ...]]:
    """Reads all surroundings of the selected Rollouts, also where a pass would halt before it needs them.

    Returns observations by name, with specs as far as they are valid, and all Rollouts in scope. Raises like `observe`.
    """
    listing = list_rollouts(cluster, selection)
    files = _files(cluster)
    drafts = [
        replace(item, rollout=replace(item.rollout, spec=item.rollout.draft), files=files)
        for item in listing.observations()
    ]
    cache = _ObjectCache(cluster)
    cache.read(*(ref for item in drafts for ref in (item.rollout.canary, *_surrounding_refs(item.rollout))))
    drafts = [_add_canary(cache, item) for item in drafts]
    observations = _add_surroundings(cache, drafts, {item.rollout.ref for item in drafts})
    lists = _Lists(cluster)
    lists.read(*map(_neighbours, observations))
    observations = [_with_lists(lists, item, _neighbours(item)) for item in observations]
    by_name = sorted(observations, key=lambda item: item.rollout.ref)
    return Snapshot(observations=tuple(by_name), list_errors=listing.errors), listing.rollouts


def observe_templates(cluster: Cluster, rollouts: Collection[Rollout]) -> tuple[Observation, ...]:
    """Reads what the template that a promotion writes follows from, and nothing else of these Rollouts."""
    cache = _ObjectCache(cluster)
    named = [item for item in rollouts if item.spec is not None]
    cache.read(*(ref for item in named for ref in (item.canary, *_surrounding_refs(item))))
    joined = [_joined(cache, _add_canary(cache, Observation(rollout=item))) for item in named]
    lists = _Lists(cache.cluster)
    lists.read(*map(_subset_lists, joined))
    return tuple(_with_lists(lists, item, _subset_lists(item)) for item in joined)


def _files(cluster: Cluster) -> Mapping[Ref, str]:
    """Returns the file of each object; nothing for a cluster that has its objects in none."""
    files: Callable[[], Mapping[Ref, str]] = getattr(cluster, "files", dict)
    return files()


def _mark_unchanged(cluster: Cluster, observations: Sequence[Observation]) -> list[Observation]:
    """Marks the Rollouts at rest whose canary is still the recorded version: nothing else of them has to be read."""
    known = {item.rollout.canary: item.known for item in observations if item.known is not None}
    same = {ref: known[ref] for ref in cluster.unchanged(known)} if known else {}
    return [
        replace(item, unchanged=item.known is not None and same.get(item.rollout.canary) == item.known)
        for item in observations
    ]


class _ObjectCache:
    """The objects that were read in this pass. Each is read once."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._requested: set[Ref] = set()
        self._objects: dict[Ref, Manifest | ClusterError] = {}

    def read(self, *refs: Ref) -> None:
        """Reads those of these objects that were not read before."""
        missing = sorted(set(refs) - self._requested)
        self._requested.update(missing)
        if missing:
            self._objects.update(self.cluster.fetch(missing))

    def __getitem__(self, ref: Ref) -> Manifest | ClusterError | None:
        return self._objects.get(ref)


def _surrounding_refs(item: Rollout) -> tuple[Ref, ...]:
    return item.primary, item.primary_service, item.canary_service, *item.routes


def _add_canary(cache: _ObjectCache, item: Observation) -> Observation:
    not_read = item.rollout.spec is None or item.unchanged
    return item if not_read else replace(item, canary=cache[item.rollout.canary])


def _add_surroundings(
    cache: _ObjectCache, observations: Sequence[Observation], active: Collection[Ref]
) -> list[Observation]:
    """Reads the surroundings of the Rollouts that are not at rest, their primaries included."""
    rollouts = [item.rollout for item in observations if item.rollout.ref in active]
    cache.read(*(ref for item in rollouts for ref in _surrounding_refs(item)))
    joined = [_joined(cache, item) if item.rollout.ref in active else item for item in observations]
    lists = _Lists(cache.cluster)
    wanted = {item.rollout.ref: _wanted_lists(item) for item in joined if item.rollout.ref in active}
    lists.read(*wanted.values())
    return [_with_lists(lists, item, names) if (names := wanted.get(item.rollout.ref)) else item for item in joined]


def _joined(cache: _ObjectCache, item: Observation) -> Observation:
    rollout = item.rollout
    surroundings = Surroundings(
        primary_service=cache[rollout.primary_service],
        canary_service=cache[rollout.canary_service],
        routes={ref: cache[ref] for ref in rollout.routes},
    )
    return replace(item, primary=cache[rollout.primary], surroundings=surroundings)


def _wanted_lists(item: Observation) -> _Wanted:
    """Returns the lists that a decision needs, by their names in the surroundings: objects not found by name."""
    namespace = item.rollout.ref.namespace
    wanted: _Wanted = {"autoscalers": (_ListKey(AUTOSCALER, namespace),), **_subset_lists(item)}
    if item.may_scale_down:
        wanted |= _route_lists(item)
    if item.may_conclude:
        of_primary = (SERVICE_NAME, item.rollout.primary_service.name)
        wanted["endpoints"] = (_ListKey(ENDPOINT_SLICE, namespace, of_primary),)
    return wanted


def _neighbours(item: Observation) -> _Wanted:
    """Returns the lists of what acts on the same objects, and is no part of a decision."""
    return {**_route_lists(item), "scaled_objects": (_ListKey(SCALED_OBJECT, item.rollout.ref.namespace),)}


def _route_lists(item: Observation) -> _Wanted:
    """Returns the lists of all objects that route, of the kinds of the Rollout's own."""
    kinds = sorted({ref.kind for ref in item.rollout.routes})
    return {"all_routes": tuple(_ListKey(kind, item.rollout.ref.namespace) for kind in kinds)}


def _subset_lists(item: Observation) -> _Wanted:
    """Returns the list that tells which pods the subsets of the managed routes have, where they name any."""
    key = _ListKey(DESTINATION_RULE, item.rollout.ref.namespace)
    return {"destination_rules": (key,)} if item.names_subsets else {}


def _with_lists(lists: _Lists, item: Observation, wanted: _Wanted) -> Observation:
    return item.with_surroundings(**{name: lists.joined(keys) for name, keys in wanted.items()})


class _ListKey(NamedTuple):
    """All objects of a kind in a namespace, or those with one label."""

    kind: Kind
    namespace: str
    label: tuple[str, str] | tuple[()] = ()


_Wanted = dict[str, tuple[_ListKey, ...]]
"""Lists by their names in the surroundings; several are joined."""


class _Lists:
    """Lists of objects, each read once in a pass."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._lists: dict[_ListKey, tuple[Manifest, ...] | ClusterError] = {}

    def read(self, *wanted: _Wanted) -> None:
        """Reads these lists, several at a time."""
        keys = sorted({key for lists in wanted for found in lists.values() for key in found})
        self._lists.update(zip(keys, map_concurrently(self._list, keys, self._cluster.width), strict=True))

    def joined(self, keys: Sequence[_ListKey]) -> tuple[Manifest, ...] | ClusterError:
        """Returns the objects of these lists, or the first error of one that could not be read."""
        found = [self._lists[key] for key in keys]
        error = next((item for item in found if isinstance(item, ClusterError)), None)
        return error or tuple(item for items in found if not isinstance(items, ClusterError) for item in items)

    def _list(self, key: _ListKey) -> tuple[Manifest, ...] | ClusterError:
        labels = dict([key.label]) if key.label else {}
        try:
            return tuple(self._cluster.list(key.kind, Scope(namespace=key.namespace, labels=labels)))
        except MissingError as error:  # the API server has no such kind: there are none
            return error if key.kind == ENDPOINT_SLICE else ()
        except ClusterError as error:
            return error
