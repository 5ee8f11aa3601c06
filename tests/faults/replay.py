"""The audit log of one namespace as steps: each write with what it found and what it left behind.

Duty: to read the log. The server says what each write was answered with, so nothing is reckoned here.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconcile.model.kinds import Manifest
    from tests.components.audit import AuditEntry

PRIMARY, CANARY = "deployments/podinfo", "deployments/podinfo-canary"
ROUTE, ROLLOUT = "virtualservices/podinfo", "rollouts/podinfo"
OURS = "steerer/"

World = dict[str, "Manifest"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One write that was stored. `target` is `plural/name`, `number` that of the pass of its process, from 0.

    `before` and `after` are all objects as their last writes left them; `seen` is `before` as it was when that pass
    began, `reads` the plurals that its process has read since, `others` the targets that others have written since.
    """

    entry: AuditEntry
    ours: bool
    number: int
    target: str
    before: World
    after: World
    seen: World
    reads: frozenset[str]
    others: frozenset[str]

    @property
    def old(self) -> Manifest:
        """What it found of its object; empty where that is new."""
        return self.before.get(self.target, {})

    @property
    def new(self) -> Manifest:
        """What it left behind of its object; empty where that is gone."""
        return self.after.get(self.target, {})

    @property
    def operations(self) -> list[dict[str, Any]]:
        """The JSON patch; empty for what is none."""
        return self.entry.body if isinstance(self.entry.body, list) else []

    def __str__(self) -> str:
        sub = f"/{self.entry.subresource}" if self.entry.subresource else ""
        return f"{self.entry.verb} {self.target}{sub}"


@dataclass
class _Pass:
    """What is known of the pass that a process is making."""

    number: int = -1
    seen: World = field(default_factory=dict)
    reads: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)


def steps(entries: Iterable[AuditEntry]) -> list[Step]:
    """Give the writes of one namespace that were stored, in their order. A process is known by its user agent."""
    world: World = {}
    passes: dict[str, _Pass] = defaultdict(_Pass)
    found = []
    for entry in entries:
        ours, agent = entry.user_agent.startswith(OURS), entry.user_agent
        if entry.verb in {"get", "list", "watch"}:
            if ours and entry.verb == "list" and entry.resource == "rollouts":
                passes[agent] = _Pass(number=passes[agent].number + 1, seen=world)
            passes[agent].reads.add(entry.resource)
            continue
        if entry.code >= 300 or "dryRun" in entry.uri:
            continue
        target = f"{entry.resource}/{_name(entry)}"
        after = _left(world, target, entry)
        mine = passes[agent]
        found.append(
            Step(
                entry=entry,
                ours=ours,
                number=mine.number,
                target=target,
                before=world,
                after=after,
                seen=mine.seen,
                reads=frozenset(mine.reads),
                others=frozenset(mine.others),
            )
        )
        world = after
        for other, made in passes.items():
            if other != agent:
                made.others.add(target)
    return found


def _name(entry: AuditEntry) -> str:
    """Give the name of what is written: a new object has it in its body only."""
    return entry.name or str(((entry.after or entry.body or {}).get("metadata") or {}).get("name") or "")


def _left(world: World, target: str, entry: AuditEntry) -> World:
    if entry.verb == "delete":
        return {key: item for key, item in world.items() if key != target}
    if entry.resource == "events":
        return world
    return world | {target: entry.after} if isinstance(entry.after, dict) else world
