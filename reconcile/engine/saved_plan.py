"""A saved plan: what one pass meant to do, kept until somebody has looked at it, and held against a later pass.

Duty: decision records -> a document, and a document against the decisions of a later pass. A document is never a
source of writes: it only says which of that pass's own decisions may be written. So whoever edits one can keep
steerer from doing something, and not make it do anything.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from jsonpointer import JsonPointerException, resolve_pointer

from reconcile import __version__
from reconcile.core.state_machine import Move
from reconcile.model.errors import ClusterError, UsageError
from reconcile.model.fields import parse_time, shown, timestamp
from reconcile.model.kinds import KINDS, ROLLOUT, Ref
from reconcile.model.plan import Plan, Position, Record, Result
from reconcile.report import record as records

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from reconcile.model.kinds import Manifest

    Entry = Mapping[str, Any]

KIND, FORMAT = "steerer plan", 1
# How much later than ours the clock of whoever saved the plan may be.
AHEAD = timedelta(minutes=1)
MOST_DIFFERENCES = 6
# Many times what the plan of a thousand Rollouts has: nothing else is worth the memory.
MOST_VALUES = 2_000_000
_ABSENT = object()
_LONG = 80
# What of a status is decided, and not measured, counted or told.
_DECIDED = ("phase", "canaryRevision", "canaryGeneration", "canaryUID", "promotedRevision", "canaryWeight")
_TICKETS = ("/metadata/resourceVersion", "/status")


@dataclass(frozen=True, kw_only=True, slots=True)
class Saved:
    """A plan as it was saved: by which version, when, from which cluster, and one entry for each Rollout."""

    version: str
    time: datetime
    source: str
    entries: Mapping[Ref, Entry]

    def unfit(self, now: datetime, max_age: float) -> str:
        """Say why none of it is to be applied any more; "" = it may. `max_age` in seconds."""
        age = now - self.time
        if age < -AHEAD:
            return f"the plan is of {timestamp(self.time)}, and it is {timestamp(now)}: one of two clocks is wrong"
        if age.total_seconds() > max_age:
            return f"the plan is {age.total_seconds():.0f}s old, and --max-age is {max_age:g}s: make a new one"
        return ""


# Saving and loading.


def document(made: Sequence[Record], *, version: str, source: str, time: datetime) -> dict[str, Any]:
    """Give what is to be saved: the decision records, what they are about, and a sum that notices a change."""
    content = {
        "kind": KIND,
        "format": FORMAT,
        "version": version,
        "time": timestamp(time),
        "source": source,
        "rollouts": [_entry(record) for record in made],
    }
    return content | {"sha256": _sum(content)}


def _entry(record: Record) -> dict[str, Any]:
    return {"uid": record.plan.uid, "generation": record.plan.generation, **records.to_dict(record)}


def _sum(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def load(text: str, name: str) -> Saved:
    """Read what was saved. Raises UsageError, with the `name` of the file, for anything else."""
    if sum(map(text.count, ",[{")) > MOST_VALUES:
        raise UsageError(f"{name} is no plan that steerer saved: it has more than {MOST_VALUES} values")
    try:
        content = json.loads(text, object_pairs_hook=_members, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name} is no plan that steerer saved, or not the whole of one: it is no JSON") from error
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise UsageError(f"{name} is no plan that steerer saved: make one with steerer plan --out")
    if content.get("format") != FORMAT:
        found = shown(content.get("format"))
        raise UsageError(f"{name} has format {found}, and this steerer reads {FORMAT}: plan anew")
    if content.pop("sha256", None) != _sum(content):
        raise UsageError(f"{name} was changed since steerer saved it: make a new plan")
    try:
        return _saved(content)
    except (KeyError, TypeError, ValueError, AttributeError, JsonPointerException) as error:
        raise UsageError(f"{name} is no plan that steerer saved: make a new one") from error


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a member that is there twice: one would be looked at, and the other applied."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member is there twice")
    return members


def _finite(text: str) -> float:
    """Refuse what Python takes for a number, and JSON does not have."""
    if not math.isfinite(value := float(text)):
        raise ValueError(f"{text} is no number")
    return value


def _saved(content: Mapping[str, Any]) -> Saved:
    time = parse_time(content["time"])
    entries = {
        Ref(ROLLOUT, str(one["rollout"]["namespace"]), str(one["rollout"]["name"])): one for one in content["rollouts"]
    }
    named = {*entries}
    for entry in entries.values():
        # What cannot be told or compared is found now, and not when something else is to be said.
        told = [*_moved(entry, {ref: {} for ref, _ in targets(entry)}), *_gates(entry, entry)]
        _ = (entry["uid"], entry["error"], Move(_stub(entry).move), _does(entry), told)
        named.update(ref for ref, _ in targets(entry))
    if time is None or len(entries) < len(content["rollouts"]):
        raise ValueError
    if not all(ref.possible for ref in named):  # a server would be asked for it
        raise ValueError
    return Saved(version=str(content["version"]), time=time, source=str(content["source"]), entries=entries)


# Holding it against the decisions of a later pass.


def writes(entry: Entry) -> bool:
    """Say whether there is anything to apply."""
    return bool(entry["patches"] or entry["events"] or entry["error"])


def check(
    saved: Saved, made: Iterable[Record], seen: Mapping[Ref, Manifest | ClusterError], now: datetime
) -> Iterator[Record]:
    """Give, for each entry, the decision of the later pass, or a refusal of it that says what is not as it was.

    `seen` are the targets of the saved patches, for the words. An entry with nothing to apply stays what it was.
    """
    left = dict(saved.entries)
    for record in made:
        if entry := left.pop(record.plan.rollout, None):
            yield from _checked(saved, entry, record, seen, now)
    for ref, entry in left.items():
        told = (Result.REFUSED, f"{ref} is not there") if writes(entry) else (Result.PLANNED, "")
        yield from stubs([entry], now, *told)


def _checked(
    saved: Saved, entry: Entry, record: Record, seen: Mapping[Ref, Manifest | ClusterError], now: datetime
) -> Iterator[Record]:
    if not writes(entry):
        yield from stubs([entry], now, Result.PLANNED, "")
    elif not record.plan.error and (why := _refusal(saved, entry, record, seen)):
        yield from stubs([entry], now, Result.REFUSED, why)
    else:
        yield record


def stubs(entries: Sequence[Entry], at: datetime, result: Result, error: str) -> Iterator[Record]:
    """Give Records that tell of entries of which nothing is written."""
    for entry in entries:
        yield Record(plan=_stub(entry), at=at, result=result, error=error)


def _stub(entry: Entry) -> Plan:
    before, after = (
        Position(phase=str(entry[key]["phase"]), weight=None if (at := entry[key]["weight"]) is None else int(at))
        for key in ("before", "after")
    )
    return Plan(
        rollout=Ref(ROLLOUT, str(entry["rollout"]["namespace"]), str(entry["rollout"]["name"])),
        move=str(entry["move"]),
        reason=str(entry["reason"]),
        before=before,
        after=after,
    )


def _refusal(saved: Saved, entry: Entry, record: Record, seen: Mapping[Ref, Manifest | ClusterError]) -> str:
    """Say what keeps a saved plan from being applied; "" = nothing does."""
    if entry["error"]:
        return f"no plan could be made: {entry['error']}"
    new = _entry(record)
    rollout = record.plan.rollout
    if entry["uid"] != new["uid"]:
        uids = f"its uid is {_short(new['uid'] or 'absent')}, and was {_short(entry['uid'] or 'absent')}"
        return f"{rollout} is another one than that of {saved.source}: {uids}"
    # Through JSON, as what was saved went.
    differences = [*_differing(_does(entry), json.loads(json.dumps(_does(new))))]
    if not differences:
        return ""
    told = [
        *_moved(entry, seen),
        *_differing(entry["generation"], new["generation"], f"{rollout}: /metadata/generation"),
    ]
    told = [*dict.fromkeys([*told, *_gates(entry, new)])] or [
        f"this is not what steerer {_version(saved)} would do: {difference}" for difference in differences
    ]
    more = f"; and {len(told) - MOST_DIFFERENCES} more" if len(told) > MOST_DIFFERENCES else ""
    return "; ".join(told[:MOST_DIFFERENCES]) + more


def _version(saved: Saved) -> str:
    return __version__ if saved.version == __version__ else f"{__version__}, not {saved.version} that saved it,"


def _does(entry: Entry) -> dict[str, Any]:
    """Give what a plan does, without what differs between two looks at the same world: times, values, availability."""
    gates = [[gate["name"], gate["outcome"]] for gate in entry["gates"]]
    does = {"move": entry["move"], "generation": entry["generation"], "gates": gates}
    if entry["move"] == "halt":  # whatever it measured: nothing moves, and the gate is the same
        return does
    return does | {
        "before": entry["before"],
        "after": entry["after"],
        "measurements": [
            [one[key] for key in ("name", "query", "threshold", "bound")] for one in entry["measurements"]
        ],
        "patches": [_write(patch) for patch in entry["patches"]],
        "events": [[event["type"], event["message"]] for event in entry["events"]],
    }


def _write(patch: Entry) -> dict[str, Any]:
    if not patch["target"].get("subresource"):
        return {"target": patch["target"], "operations": patch["operations"]}
    status = [
        {key: operation["value"].get(key) for key in _DECIDED}
        for operation in patch["operations"]
        if operation["op"] != "test"
    ]
    others = [operation["path"] for operation in patch["operations"] if operation["path"] not in _TICKETS]
    return {"target": patch["target"], "status": status, "others": others}


def targets(entry: Entry) -> Iterator[tuple[Ref, Entry]]:
    """Give the objects that an entry writes, and their patches, but for the Rollout itself."""
    namespace = entry["rollout"]["namespace"]
    for patch in entry["patches"]:
        target = patch["target"]
        if not target.get("subresource") and target["kind"] in KINDS and target["namespace"] == namespace:
            yield Ref(KINDS[target["kind"]], str(namespace), str(target["name"])), patch


def _moved(entry: Entry, seen: Mapping[Ref, Manifest | ClusterError]) -> Iterator[str]:
    """Say which of the values that the saved patches test are others by now."""
    for ref, patch in targets(entry):
        manifest = seen.get(ref)
        if manifest is None or isinstance(manifest, ClusterError):
            yield f"{ref}: {'is not there' if manifest is None else manifest}"
            continue
        for operation in patch["operations"]:
            if operation["op"] == "test":
                path = operation["path"]
                yield from _differing(operation["value"], _at(manifest, path), f"{ref}: {path}")


def _at(manifest: Manifest, path: str) -> Any:
    try:
        return resolve_pointer(manifest, path, _ABSENT)
    except ValueError:  # an index of more digits than Python makes an integer of
        return _ABSENT


def _gates(entry: Entry, new: Entry) -> Iterator[str]:
    """Say which gate says otherwise now; where they are those of another walk, also what they saw."""
    now = {gate["name"]: gate for gate in new["gates"]}
    for gate in entry["gates"]:
        other = now.get(gate["name"], gate)
        if "not reached" in {gate["outcome"], other["outcome"]}:
            continue
        if other["outcome"] != gate["outcome"]:
            yield f"gate {gate['name']}: was {gate['outcome']}, is {other['outcome']}: {other['reason']}"
        elif other["reason"] != gate["reason"] and new["move"] != entry["move"] and gate["name"] != "interval":
            yield f"gate {gate['name']}: was {gate['reason']}, is {other['reason']}"


def _differing(was: Any, now: Any, path: str = "") -> Iterator[str]:
    """Give each place where two values differ, in words."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*was, *now]):
            yield from _differing(was.get(key, _ABSENT), now.get(key, _ABSENT), f"{path}/{key}")
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for index, (old, new) in enumerate(zip(was, now, strict=True)):
            yield from _differing(old, new, f"{path}/{index}")
    elif was != now:
        # What a pod gets by its environment may be a secret.
        yield f"{path} is another one" if "/env/" in path else f"{path} was {_value(was)} and is {_value(now)}"


def _value(value: Any) -> str:
    if value is _ABSENT or value is None:
        return "absent"
    if isinstance(value, dict | list):
        return "something else"
    return _short(json.dumps(value, ensure_ascii=False, default=str))


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _LONG else f"{text[: _LONG - 1]}…"
