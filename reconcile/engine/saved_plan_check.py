"""Compares a saved plan with the decisions of a later pass: each decision is accepted, or refused with a reason."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from reconcile import __version__
from reconcile.engine.entry_changes import changed_gates, changed_values, differences, shortened
from reconcile.engine.saved_entry import effect, has_writes, to_entry, unwritten
from reconcile.model.plan import Record, Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from reconcile.engine.saved_entry import Entry
    from reconcile.engine.saved_plan import SavedPlan
    from reconcile.model.errors import ClusterError
    from reconcile.model.kinds import Manifest, Ref

MAX_REASONS = 6


def accept_or_refuse(
    saved: SavedPlan, records: Iterable[Record], objects: Mapping[Ref, Manifest | ClusterError], now: datetime
) -> Iterator[Record]:
    """Yields, for each entry, the later pass's own decision, or a refusal that says what has changed.

    An entry without writes is yielded as it was saved. `objects` are `saved.targets` as they are now, for the reasons.
    """
    remaining = dict(saved.entries)
    for record in records:
        if entry := remaining.pop(record.plan.rollout, None):
            yield _checked(saved, entry, record, objects, now)
    for ref, entry in remaining.items():
        if has_writes(entry):
            yield unwritten(entry, now, Result.REFUSED, f"{ref} is not there")
        else:
            yield unwritten(entry, now, Result.PLANNED)


def _checked(
    saved: SavedPlan, entry: Entry, record: Record, objects: Mapping[Ref, Manifest | ClusterError], now: datetime
) -> Record:
    if not has_writes(entry):
        return unwritten(entry, now, Result.PLANNED)
    if not record.plan.error and (reason := _refusal(saved, entry, record, objects)):
        return unwritten(entry, now, Result.REFUSED, reason)
    return record


def _refusal(saved: SavedPlan, entry: Entry, record: Record, objects: Mapping[Ref, Manifest | ClusterError]) -> str:
    """Returns why a saved plan is not applied; "" = it is."""
    if entry["error"]:
        return f"no plan could be made: {entry['error']}"
    new = to_entry(record)
    rollout = record.plan.rollout
    if entry["uid"] != new["uid"]:
        uids = f"its uid is {shortened(new['uid'] or 'absent')}, and was {shortened(entry['uid'] or 'absent')}"
        return f"{rollout} is another one than that of {saved.source}: {uids}"
    # The new effect takes the way through JSON that the saved one took.
    changed_effect = [*differences(effect(entry), json.loads(json.dumps(effect(new))))]
    if not changed_effect:
        return ""
    causes = [
        *changed_values(entry, objects),
        *differences(entry["generation"], new["generation"], f"{rollout}: /metadata/generation"),
        *changed_gates(entry, new),
    ]
    version = __version__ if saved.version == __version__ else f"{__version__}, not {saved.version} that saved it,"
    reasons = [*dict.fromkeys(causes)] or [
        f"this is not what steerer {version} would do: {difference}" for difference in changed_effect
    ]
    more = f"; and {len(reasons) - MAX_REASONS} more" if len(reasons) > MAX_REASONS else ""
    return "; ".join(reasons[:MAX_REASONS]) + more
