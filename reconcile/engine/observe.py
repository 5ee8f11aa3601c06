"""Reading the world once: every Rollout joined with its own objects.

Duty: which objects are needed, and when; how they are fetched is the cluster's affair. What they mean is decided
elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconcile.core.observation import Observation, Surroundings
from reconcile.engine.concurrency import abreast
from reconcile.engine.shards import WHOLE, Shard
from reconcile.model import rollout as rollouts
from reconcile.model.errors import ClusterError, MissingError, UsageError
from reconcile.model.kinds import AUTOSCALER, ROLLOUT, Manifest, Ref, Scope

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from reconcile.model.ports import Cluster
    from reconcile.model.rollout import Rollout


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Which Rollouts a pass is about: of these namespaces or (none) all, of these names if any, with these labels.

    A name has to be there; of `refs`, if any, those are taken that are. Of all these the pass has those of its shard.
    """

    namespaces: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    labels: str = ""
    refs: frozenset[Ref] = frozenset()
    shard: Shard = WHOLE

    def __str__(self) -> str:
        """Say where it looks."""
        return f"namespace {', '.join(self.namespaces)}" if self.namespaces else "any namespace"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """What was seen; `unread` has an error for each namespace whose Rollouts could not be listed beside the others."""

    observations: tuple[Observation, ...]
    unread: tuple[ClusterError, ...] = ()


def listed(cluster: Cluster, selection: Selection) -> tuple[list[Manifest], tuple[ClusterError, ...]]:
    """List all Rollouts of the namespaces in scope, and say which of these could not be read.

    Raises the ClusterError if it was the only one, or all of them.
    """
    found: list[Manifest] = []
    unread: list[ClusterError] = []
    scopes = [Scope(namespace=namespace) for namespace in dict.fromkeys(selection.namespaces)] or [Scope()]
    for scope in scopes:
        try:
            found += cluster.list(ROLLOUT, scope)
        except ClusterError as error:
            unread.append(error)
    if len(unread) == len(scopes):
        raise unread[0]
    return found, tuple(unread)


def observe(cluster: Cluster, selection: Selection) -> Sight:
    """Read all that is needed to decide about the selected Rollouts, the one that waited longest first.

    All Rollouts in scope are listed, the selected ones or not: a rival may be among the others. Raises ClusterError
    where no Rollouts can be listed at all, and UsageError for a name that is none.
    """
    every, chosen, unread = _chosen(cluster, selection)
    observations = _with_unchanged(cluster, _with_rivals(chosen, every))
    books = _Books(cluster)
    # What is under way needs all that surrounds it, whatever its canary is: that is asked for together.
    books.read(
        *(item.rollout.canary for item in observations if item.rollout.spec is not None and not item.unchanged),
        *(ref for item in observations if item.under_way for ref in _around(item.rollout)),
    )
    observations = [_with_canary(books, item) for item in observations]
    awake = {item.rollout.ref for item in observations if not item.at_rest}
    return Sight(observations=tuple(_with_surroundings(books, observations, awake)), unread=unread)


def survey(cluster: Cluster, selection: Selection) -> tuple[Sight, tuple[Rollout, ...]]:
    """Read all that surrounds the selected Rollouts, also of those that a pass would halt before it looked.

    Gives them, by name, with their specs as far as those can be read, and all Rollouts in scope. Raises like `observe`.
    """
    every, chosen, unread = _chosen(cluster, selection)
    drafts = [
        replace(item, rollout=replace(item.rollout, spec=item.rollout.draft)) for item in _with_rivals(chosen, every)
    ]
    books = _Books(cluster)
    books.read(*(ref for item in drafts for ref in (item.rollout.canary, *_around(item.rollout))))
    drafts = [_with_canary(books, item) for item in drafts]
    around = _with_surroundings(books, drafts, {item.rollout.ref for item in drafts})
    ordered = sorted(around, key=lambda item: item.rollout.ref)
    return Sight(observations=tuple(ordered), unread=unread), tuple(every)


def _chosen(cluster: Cluster, selection: Selection) -> tuple[list[Rollout], list[Rollout], tuple[ClusterError, ...]]:
    """List all Rollouts in scope, and those of them that are selected; the last are the namespaces without any."""
    manifests, unread = listed(cluster, selection)
    every = [rollouts.parse(item) for item in manifests]
    chosen = [item for item in every if _selected(item, selection)]
    missing = set(selection.names) - {item.ref.name for item in chosen}
    if missing and not unread:
        raise UsageError(f"no Rollout {', '.join(sorted(missing))} in {selection}")
    return every, [item for item in chosen if selection.shard.has(item.ref)], unread


def _with_rivals(chosen: Iterable[Rollout], every: Sequence[Rollout]) -> list[Observation]:
    rivals = _rivals(every)
    return [Observation(rollout=item, rival=rivals.get(item.ref)) for item in sorted(chosen, key=_waited)]


def _selected(item: Rollout, selection: Selection) -> bool:
    named = not selection.names or item.ref.name in selection.names
    return named and (not selection.refs or item.ref in selection.refs) and matches(selection.labels, item.labels)


def _waited(item: Rollout) -> tuple[str, Ref]:
    """Sort by how long nothing happened: what an earlier pass did not reach comes first.

    An analysis counts as well, or those that halt by their metrics would come first for ever, before all others.
    """
    last = max(filter(None, (item.state.last_advance, item.measured)), default=None)
    return (last.isoformat() if last else "", item.ref)


def _rivals(listed: Sequence[Rollout]) -> dict[Ref, Ref]:
    """Find, for each Rollout whose route an older one claims, the oldest such one. By age, then name."""
    first: dict[tuple[Ref, frozenset[str]], Ref] = {}
    rivals: dict[Ref, Ref] = {}
    for item in sorted(listed, key=lambda one: (one.created is None, one.created or 0, one.ref)):
        if item.spec is None or item.deleted:
            continue
        claim = (item.route, frozenset({item.spec.primary_host, item.spec.canary_host}))
        if claim in first:
            rivals[item.ref] = first[claim]
        else:
            first[claim] = item.ref
    return rivals


def _with_unchanged(cluster: Cluster, observations: Sequence[Observation]) -> list[Observation]:
    """Find the Rollouts at rest whose canaries nobody wrote: of these no more has to be known than that."""
    known = {item.rollout.canary: item.known for item in observations if item.known is not None}
    same = {ref: known[ref] for ref in cluster.unchanged(known)} if known else {}
    return [
        replace(item, unchanged=item.known is not None and same.get(item.rollout.canary) == item.known)
        for item in observations
    ]


class _Books:
    """What was read of a cluster so far: nothing is asked for twice in a pass."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._asked: set[Ref] = set()
        self._seen: dict[Ref, Manifest | ClusterError] = {}

    def read(self, *refs: Ref) -> None:
        """Read these objects, as far as they were not read before."""
        wanted = sorted(set(refs) - self._asked)
        self._asked.update(wanted)
        if wanted:
            self._seen.update(self.cluster.fetch(wanted))

    def __getitem__(self, ref: Ref) -> Manifest | ClusterError | None:
        return self._seen.get(ref)


def _around(item: Rollout) -> tuple[Ref, ...]:
    return item.primary, item.primary_service, item.canary_service, item.route


def _with_canary(books: _Books, item: Observation) -> Observation:
    unread = item.rollout.spec is None or item.unchanged
    return item if unread else replace(item, canary=books[item.rollout.canary])


def _with_surroundings(books: _Books, observations: Sequence[Observation], awake: Collection[Ref]) -> list[Observation]:
    """Read what surrounds the Rollouts that are not at rest, their primaries included."""
    around = [item.rollout for item in observations if item.rollout.ref in awake]
    books.read(*(ref for item in around for ref in _around(item)))
    namespaces = sorted({item.ref.namespace for item in around})
    listed = abreast(lambda name: _autoscalers(books.cluster, name), namespaces, books.cluster.width)
    autoscalers = dict(zip(namespaces, listed, strict=True))
    return [
        item
        if item.rollout.ref not in awake
        else replace(
            item,
            primary=books[item.rollout.primary],
            surroundings=Surroundings(
                primary_service=books[item.rollout.primary_service],
                canary_service=books[item.rollout.canary_service],
                route=books[item.rollout.route],
                autoscalers=autoscalers[item.rollout.ref.namespace],
            ),
        )
        for item in observations
    ]


def _autoscalers(cluster: Cluster, namespace: str) -> tuple[Manifest, ...] | ClusterError:
    """List the autoscalers of a namespace: they are found by what they target, not by name."""
    try:
        return tuple(cluster.list(AUTOSCALER, Scope(namespace=namespace)))
    except MissingError:  # the API server has no autoscaling at all
        return ()
    except ClusterError as error:
        return error


# Label selectors, as kubectl writes them.
_REQUIREMENT = re.compile(
    r"\s*(?:(?P<not>!)\s*)?(?P<key>[A-Za-z0-9][\w./-]*)"
    r"(?:\s*(?P<op>==?|!=)\s*(?P<value>[\w.-]*)|\s+(?P<set>in|notin)\s*\((?P<values>[\w.,\s-]*)\))?\s*"
)


def matches(selector: str, labels: Mapping[str, str]) -> bool:
    """Say whether labels match a selector like `a=b,c!=d,e in (f,g),!h`. Raises UsageError for one that is none."""
    return all(_meets(part, labels) for part in re.split(r",(?![^(]*\))", selector)) if selector.strip() else True


def _meets(requirement: str, labels: Mapping[str, str]) -> bool:
    match = _REQUIREMENT.fullmatch(requirement)
    if match is None or (match["not"] and (match["op"] or match["set"])):
        raise UsageError(
            f'"{requirement.strip()}" is no label selector: write key=value, key!=value, key in (a,b), !key'
        )
    value = labels.get(match["key"])
    if match["set"]:
        inside = value in {item.strip() for item in match["values"].split(",")}
        return inside if match["set"] == "in" else not inside
    if match["op"]:
        return value != match["value"] if match["op"] == "!=" else value == match["value"]
    return (value is None) is bool(match["not"])
