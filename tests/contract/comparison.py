"""What has to be equal in every cluster: objects without what only a server stores, and revisions by another name.

Only what this module lists is left out.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from reconcile.core.state_machine import Move
from tests.contract.sandboxes import canonical_json
from tests.support.fakes import ref_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconcile.model.kinds import Manifest
    from reconcile.model.plan import Patch, Plan, Record

_ANY = object()

# The default values of the API server, by kind: only these are left out. `*` is every item of a list.
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
# Fields of a status that name an object's uid or generation: a folder has neither.
_VERSION_FIELDS = ("canaryGeneration", "canaryUID", "observedGeneration")
_COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
_EVENT = ("type", "message", "count", "firstTimestamp", "lastTimestamp", "reason")
_REVISION = re.compile(r"v1-[0-9a-f]{20}")


class Names:
    """Numbers the revisions as they appear: their hashes differ, as they include the server's default values."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def rename(self, value: Any) -> Any:
        """Returns a copy of a value in which every revision is its number."""
        renamed = _REVISION.sub(lambda found: self._name(found.group()), canonical_json(value))
        return json.loads(renamed)

    def _name(self, revision: str) -> str:
        return self._known.setdefault(revision, f"revision {len(self._known) + 1}")


def objects(stored: Iterable[Manifest]) -> dict[str, Any]:
    """Returns what has to be equal of objects, by their names."""
    return {str(ref_of(item)): comparable(item) for item in stored}


def comparable(manifest: Manifest) -> dict[str, Any]:
    """Returns what has to be equal of one object."""
    found: dict[str, Any] = json.loads(canonical_json(manifest))
    for path, default in _DEFAULTS.get(found["kind"], {}).items():
        _remove(found, path.split("/"), default)
    status = found.get("status") or {}
    match found["kind"]:
        case "Rollout":
            status = {key: value for key, value in status.items() if key not in _VERSION_FIELDS}
            for condition in status.get("conditions", []):
                condition.pop("observedGeneration", None)
        case "Deployment":
            status = {key: status.get(key, 0) for key in _COUNTS}
        case _:
            status = {}
    metadata = {key: value for key in ("labels", "annotations") if (value := _of_users(found["metadata"].get(key)))}
    return {"metadata": metadata, "spec": found["spec"], "status": status}


def events(stored: Iterable[Manifest]) -> list[dict[str, Any]]:
    """Returns what has to be equal of steerer's Events, by the time of their first occurrence."""
    found = [
        {key: item.get(key) for key in _EVENT}
        | {"component": item["source"]["component"]}
        | {"of": {key: value for key, value in item["involvedObject"].items() if key != "uid"}}
        for item in stored
        if (item.get("source") or {}).get("component") == "steerer"
    ]
    return sorted(found, key=lambda item: (item["firstTimestamp"], item["message"]))


def record(record: Record) -> dict[str, Any]:
    """Returns what has to be equal of a pass: all but the content of its patches, which has default values.

    Only where there are controllers it can be known which endpoints are ready.
    """
    plan = record.plan
    return {
        "move": plan.move,
        "reason": plan.reason,
        "result": record.result.value,
        "before": [plan.before.phase, plan.before.weight],
        "after": [plan.after.phase, plan.after.weight],
        "gates": [[gate.name, gate.outcome.value, gate.reason * (gate.name != "endpoints")] for gate in plan.gates],
        "measured": [[item.metric, item.value, item.verdict, item.text] for item in plan.measurements],
        "writes": [[patch.target.kind.name, patch.target.name, patch.subresource] for patch in _moving(plan)],
        "events": [[event.type, event.message] for event in plan.events],
    }


def _moving(plan: Plan) -> tuple[Patch, ...]:
    """Returns the patches, without that of an idle pass: it notes generations at most, which a folder has not."""
    return () if plan.move == Move.IDLE else plan.patches


def differences(one: Any, other: Any) -> dict[str, tuple[Any, Any]]:
    """Returns the values in which two histories differ, by path."""
    left, right = dict(_leaves(one)), dict(_leaves(other))
    return {path: (left.get(path), right.get(path)) for path in left | right if left.get(path) != right.get(path)}


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in pairs:
        yield from _leaves(member, f"{path}/{key}")
    if not isinstance(value, dict | list) or not value:
        yield path, value


def _of_users(members: dict[str, str] | None) -> dict[str, str]:
    """Returns labels or annotations without those of Kubernetes' own controllers."""
    return {key: value for key, value in (members or {}).items() if not key.startswith("deployment.kubernetes.io/")}


def _remove(value: Any, path: list[str], default: Any) -> None:
    key, *rest = path
    if key == "*":
        for item in value:
            _remove(item, rest, default)
    elif isinstance(value, dict) and key in value:
        if rest:
            _remove(value[key], rest, default)
        elif default is _ANY or value[key] == default:
            del value[key]
