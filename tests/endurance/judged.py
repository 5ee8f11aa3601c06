"""The laws, held against all that was written, as the server's own audit log has it: `tests/faults` knows how.

Duty: to bring the log of many Rollouts into the form that is judged there: one after the other, each as if it were the
example. It is read line by line, as it has hundreds of megabytes.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tests.components.audit import AuditEntry
from tests.faults import laws, replay

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.components.controlplane import ControlPlane
    from tests.endurance.apps import App

_READS = ("get", "list")
_KINDS = {
    "deployments",
    "services",
    "virtualservices",
    "horizontalpodautoscalers",
    "rollouts",
    "events",
}


def broken(plane: ControlPlane, mark: int, apps: Sequence[App]) -> tuple[int, list[str]]:
    """Give how many writes of passes were held against the laws, and what they broke."""
    count, found = 0, []
    for app, lines in _by_app(plane, mark, apps).items():
        steps = replay.steps(_in_order([_as_the_example(app, line) for line in lines]))
        count += sum(step.ours for step in steps)
        found += [f"{app.namespace}/{app.name}: {text}" for text in laws.broken(steps)]
    return count, found


def _by_app(plane: ControlPlane, mark: int, apps: Sequence[App]) -> dict[App, list[str]]:
    """Sort the lines of the log; what has no name, as a LIST, is about every Rollout of its namespace."""
    plane.settle()
    names = {(app.namespace, name): app for app in apps for name in (app.name, app.canary)}
    found: dict[App, list[str]] = defaultdict(list)
    with plane.audit_log.open(encoding="utf-8") as log:
        log.seek(mark)
        for line in log:
            event = json.loads(line)
            target = event.get("objectRef", {})
            if target.get("resource") not in _KINDS or not (plane.is_ours(event) and _counts(event)):
                continue
            namespace, name = target.get("namespace", ""), _name(event)
            if name and (namespace, name) in names:
                found[names[namespace, name]].append(line)
            elif not name:
                for app in apps:
                    if namespace in {"", app.namespace}:
                        found[app].append(line)
    return found


def _counts(event: dict[str, Any]) -> bool:
    """Leave out what people look at, and what was refused."""
    ours = event.get("userAgent", "").startswith(replay.OURS)
    stored = event.get("responseStatus", {}).get("code", 0) < 300
    return stored and (ours or event["verb"] not in _READS)


def _name(event: dict[str, Any]) -> str:
    """Give whose object it is: that of an Event is a Rollout, by whose name its own begins."""
    target, body = event["objectRef"], event.get("requestObject")
    name = target.get("name") or (body.get("metadata", {}).get("name", "") if isinstance(body, dict) else "")
    return name.rpartition(".")[0] if target["resource"] == "events" else name


def _as_the_example(app: App, line: str) -> AuditEntry:
    """Call everything by the names of the example; templates are left alone, or they would be other revisions."""
    event = json.loads(line)
    if event["objectRef"]["resource"] != "deployments":
        return AuditEntry.parse(json.loads(line.replace(app.name, "podinfo")))
    target = event["objectRef"]
    event["objectRef"] = target | {"name": _name(event).replace(app.name, "podinfo")}
    return AuditEntry.parse(event)


def _in_order(entries: Sequence[AuditEntry]) -> Iterator[AuditEntry]:
    """Put the writes of each object into the order in which they were stored: the log has that of the answers."""
    versions: dict[str, list[AuditEntry]] = defaultdict(list)
    for entry in entries:
        if _version(entry):
            versions[_target(entry)].append(entry)
    stored = {target: iter(sorted(writes, key=_version)) for target, writes in versions.items()}
    for entry in entries:
        yield next(stored[_target(entry)]) if _version(entry) else entry


def _target(entry: AuditEntry) -> str:
    return f"{entry.resource}/{entry.name}"


def _version(entry: AuditEntry) -> int:
    """Give the version that a write left behind; 0 where that is not known."""
    after = entry.after if isinstance(entry.after, dict) else {}
    return int((after.get("metadata") or {}).get("resourceVersion") or 0)
