"""The document of a saved plan: decision records to JSON, and JSON to a checked SavedPlan.

No write is made from a document: it only says which decisions of a later pass may be written. So an edited document
can keep steerer from a write, and cannot make it write anything.
"""

from __future__ import annotations

import hashlib
import json
import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from jsonpointer import JsonPointerException
from msgspec import Struct

from reconcile.core.state_machine import Move
from reconcile.engine.entry_changes import changed_gates, changed_values
from reconcile.engine.saved_entry import effect, object_patches, plan_without_writes, rollout_of, to_entry, unwritten
from reconcile.model.errors import UsageError
from reconcile.model.plan import Result
from reconcile.model.text import shown
from reconcile.model.times import parse_time, timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from reconcile.engine.saved_entry import Entry
    from reconcile.model.kinds import Manifest, Ref
    from reconcile.model.plan import Record

KIND, FORMAT = "steerer plan", 1
MAX_CLOCK_SKEW = timedelta(minutes=1)
"""How far the clock of the machine that saved the plan may be ahead."""
MAX_VALUES = 2_000_000
"""Many times the values in a plan of a thousand Rollouts. A larger document would only take memory."""


class SavedPlan(Struct, frozen=True, kw_only=True):
    """A plan that was read from a document. `version` is steerer's, `source` the server or folder of the plan."""

    version: str
    time: datetime
    source: str
    entries: Mapping[Ref, Entry]

    @property
    def targets(self) -> set[Ref]:
        """The objects that the plan writes, without the Rollouts."""
        return {ref for entry in self.entries.values() for ref, _ in object_patches(entry)}

    def age_problem(self, now: datetime, max_age: float) -> str:
        """Returns why the plan is too old, or from the future; "" = it may be applied. `max_age` in seconds."""
        age = now - self.time
        if age < -MAX_CLOCK_SKEW:
            return f"the plan is of {timestamp(self.time)}, and it is {timestamp(now)}: one of two clocks is wrong"
        if age.total_seconds() > max_age:
            return f"the plan is {age.total_seconds():.0f}s old, and --max-age is {max_age:g}s: make a new one"
        return ""

    def refused(self, reason: str) -> list[Record]:
        """Returns a Record for each entry, which says that it is refused and why."""
        return [unwritten(entry, self.time, Result.REFUSED, reason) for entry in self.entries.values()]


def to_document(records: Sequence[Record], *, version: str, source: str, time: datetime) -> dict[str, Any]:
    """Returns the document to save: the decision records, their source, and a checksum."""
    content = {
        "kind": KIND,
        "format": FORMAT,
        "version": version,
        "time": timestamp(time),
        "source": source,
        "rollouts": [to_entry(record) for record in records],
    }
    return content | {"sha256": checksum(content)}


def checksum(content: Mapping[str, Any]) -> str:
    """Returns the checksum of a document that has none yet."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def parse(text: str, name: str) -> SavedPlan:
    """Returns the plan in a text. Raises UsageError with the `name` of the file if there is no valid one."""
    if sum(map(text.count, ",[{")) > MAX_VALUES:
        raise UsageError(f"{name} is no plan that steerer saved: it has more than {MAX_VALUES} values")
    try:
        content = json.loads(text, object_pairs_hook=_unique_keys, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name} is no plan that steerer saved, or not the whole of one: it is no JSON") from error
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise UsageError(f"{name} is no plan that steerer saved: make one with steerer plan --out")
    if content.get("format") != FORMAT:
        found = shown(content.get("format"))
        raise UsageError(f"{name} has format {found}, and this steerer reads {FORMAT}: plan anew")
    if content.pop("sha256", None) != checksum(content):
        raise UsageError(f"{name} was changed since steerer saved it: make a new plan")
    try:
        return _saved_plan(content)
    except (KeyError, TypeError, ValueError, AttributeError, JsonPointerException) as error:
        raise UsageError(f"{name} is no plan that steerer saved: make a new one") from error


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuses an object with the same key twice: readers differ in which of the two they take."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member is there twice")
    return members


def _finite(text: str) -> float:
    """Refuses the infinities and NaN, which Python accepts and JSON does not have."""
    if not math.isfinite(value := float(text)):
        raise ValueError(f"{text} is no number")
    return value


def _saved_plan(content: Mapping[str, Any]) -> SavedPlan:
    time = parse_time(content["time"])
    entries = {rollout_of(entry): entry for entry in content["rollouts"]}
    for entry in entries.values():
        _check(entry)
    if time is None or len(entries) < len(content["rollouts"]):
        raise ValueError
    plan = SavedPlan(version=str(content["version"]), time=time, source=str(content["source"]), entries=entries)
    if not all(ref.valid for ref in {*entries} | plan.targets):  # the names become parts of URLs
        raise ValueError
    return plan


def _check(entry: Entry) -> None:
    """Raises an error, of whatever kind, for an entry that could not be compared or reported later."""
    Move(plan_without_writes(entry).move)
    effect(entry)
    _ = (entry["uid"], entry["error"])
    empty_objects: Mapping[Ref, Manifest] = {ref: {} for ref, _ in object_patches(entry)}
    _ = [*changed_values(entry, empty_objects), *changed_gates(entry, entry)]
