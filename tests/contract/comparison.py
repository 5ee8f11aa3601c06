"""What must be alike in every cluster: objects without what only a server keeps or adds, and hashes by another name.

Nothing is left out but what is listed here.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tests.contract.sandboxes import text
from tests.support.fakes import ref_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconcile.model.kinds import Manifest
    from reconcile.model.plan import Record

_ANY = object()

# What the API server fills in, by kind: only exactly this is left out. `*` is every item of a list.
_DEFAULTS: dict[str, dict[str, Any]] = {
    "Deployment": {
        "spec/replicas": 1,
        "spec/progressDeadlineSeconds": 600,
        "spec/revisionHistoryLimit": 10,
        "spec/strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
        "spec/template/metadata/creationTimestamp": None,
        "spec/template/spec/restartPolicy": "Always",
        "spec/template/spec/dnsPolicy": "ClusterFirst",
        "spec/template/spec/schedulerName": "default-scheduler",
        "spec/template/spec/securityContext": {},
        "spec/template/spec/terminationGracePeriodSeconds": 30,
        "spec/template/spec/containers/*/imagePullPolicy": "IfNotPresent",
        "spec/template/spec/containers/*/resources": {},
        "spec/template/spec/containers/*/terminationMessagePath": "/dev/termination-log",
        "spec/template/spec/containers/*/terminationMessagePolicy": "File",
    },
    "Service": {
        "spec/clusterIP": _ANY,
        "spec/clusterIPs": _ANY,
        "spec/internalTrafficPolicy": "Cluster",
        "spec/ipFamilies": _ANY,
        "spec/ipFamilyPolicy": "SingleStack",
        "spec/ports/*/protocol": "TCP",
        "spec/ports/*/targetPort": 9898,
        "spec/sessionAffinity": "None",
        "spec/type": "ClusterIP",
    },
    "HorizontalPodAutoscaler": {"spec/metrics": _ANY},
}
# Of which time or object a status speaks, as a server counts them; a folder does not.
_BOOKS = ("canaryGeneration", "canaryUID", "observedGeneration")
_COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
_EVENT = ("type", "message", "count", "firstTimestamp", "lastTimestamp", "reason")
_REVISION = re.compile(r"v1-[0-9a-f]{20}")


class Names:
    """Gives every revision the name of its first appearance: the server's defaults are in the hash."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def rename(self, value: Any) -> Any:
        """Give a copy of any value in which every revision has its name."""
        renamed = _REVISION.sub(lambda found: self._name(found.group()), text(value))
        return json.loads(renamed)

    def _name(self, revision: str) -> str:
        return self._known.setdefault(revision, f"revision {len(self._known) + 1}")


def objects(stored: Iterable[Manifest]) -> dict[str, Any]:
    """Give what must be alike of objects, by their names."""
    return {str(ref_of(item)): comparable(item) for item in stored}


def comparable(manifest: Manifest) -> dict[str, Any]:
    """Give what must be alike of one object."""
    found: dict[str, Any] = json.loads(text(manifest))
    for path, default in _DEFAULTS.get(found["kind"], {}).items():
        _without(found, path.split("/"), default)
    status = found.get("status") or {}
    match found["kind"]:
        case "Rollout":
            status = {key: value for key, value in status.items() if key not in _BOOKS}
            for condition in status.get("conditions", []):
                condition.pop("observedGeneration", None)
        case "Deployment":
            status = {key: status.get(key, 0) for key in _COUNTS}
        case _:
            status = {}
    metadata = {key: value for key in ("labels", "annotations") if (value := _users(found["metadata"].get(key)))}
    return {"metadata": metadata, "spec": found["spec"], "status": status}


def events(stored: Iterable[Manifest]) -> list[dict[str, Any]]:
    """Give what must be alike of steerer's Events, in the order of their first times."""
    found = [
        {key: item.get(key) for key in _EVENT}
        | {"component": item["source"]["component"]}
        | {"of": {key: value for key, value in item["involvedObject"].items() if key != "uid"}}
        for item in stored
        if (item.get("source") or {}).get("component") == "steerer"
    ]
    return sorted(found, key=lambda item: (item["firstTimestamp"], item["message"]))


def record(made: Record) -> dict[str, Any]:
    """Give what must be alike of a pass: all that is decided and said, but not the patches, which carry defaults."""
    plan = made.plan
    return {
        "move": plan.move,
        "reason": plan.reason,
        "result": made.result.value,
        "before": [plan.before.phase, plan.before.weight],
        "after": [plan.after.phase, plan.after.weight],
        "gates": [[gate.name, gate.outcome.value, gate.reason] for gate in plan.gates],
        "measured": [[item.metric, item.value, item.verdict, item.text] for item in plan.measurements],
        "writes": [[patch.target.kind.name, patch.target.name, patch.subresource] for patch in plan.patches],
        "events": [[event.type, event.message] for event in plan.events],
    }


def differences(one: Any, other: Any) -> dict[str, tuple[Any, Any]]:
    """Give what two stories differ in, by path."""
    left, right = dict(_leaves(one)), dict(_leaves(other))
    return {path: (left.get(path), right.get(path)) for path in left | right if left.get(path) != right.get(path)}


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in pairs:
        yield from _leaves(member, f"{path}/{key}")
    if not isinstance(value, dict | list) or not value:
        yield path, value


def _users(members: dict[str, str] | None) -> dict[str, str]:
    """Leave out the annotations of Kubernetes' own controllers."""
    return {key: value for key, value in (members or {}).items() if not key.startswith("deployment.kubernetes.io/")}


def _without(value: Any, path: list[str], default: Any) -> None:
    key, *rest = path
    if key == "*":
        for item in value:
            _without(item, rest, default)
    elif isinstance(value, dict) and key in value:
        if rest:
            _without(value[key], rest, default)
        elif default is _ANY or value[key] == default:
            del value[key]
