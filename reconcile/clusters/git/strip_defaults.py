"""A pod template as a person would declare it in Git: without the default values of the server.

A promotion copies a live template, which has every default value. In Git they would be noise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.clusters.git.manifest_diff import difference
from reconcile.clusters.json_equality import json_equal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.model.paths import Path

_CONTAINER = {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}
_PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_FILES = {"defaultMode": 420}
# What the API server adds to a pod template, by the field that it is added to.
DEFAULTS: dict[str, dict[str, Any]] = {
    "spec": {
        "restartPolicy": "Always",
        "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler",
        "terminationGracePeriodSeconds": 30,
    },
    "containers": _CONTAINER,
    "initContainers": _CONTAINER,
    "livenessProbe": _PROBE,
    "readinessProbe": _PROBE,
    "startupProbe": _PROBE,
    "ports": {"protocol": "TCP"},
    "httpGet": {"scheme": "HTTP", "path": "/"},
    "grpc": {"service": ""},
    "fieldRef": {"apiVersion": "v1"},
    "hostPath": {"type": ""},
    "serviceAccountToken": {"expirationSeconds": 3600},
    "configMap": _FILES,
    "secret": _FILES,
    "projected": _FILES,
    "downwardAPI": _FILES,
}
# Old names that the server keeps equal to the new ones.
ALIASES = {"serviceAccount": "serviceAccountName"}
# The fields by which an apply tells the items of a list apart: the first that all items have.
_MERGE_KEYS = ("mountPath", "containerPort", "topologyKey", "name")


def strip_defaults(new: Any, live: Any, declared: Any, path: Path = ()) -> Any:
    """Returns what a manifest has to declare so that an apply ends in `new`.

    `live` is what the object has now, `declared` what its manifest has now. A field that the manifest does not declare
    stays undeclared where the object has it already, or where the server adds it. A declared value that means the same
    as the new one stays as it is written.
    """
    if isinstance(new, dict):
        return _mapping(new, live, declared if isinstance(declared, dict) else {}, path)
    if isinstance(new, list):
        return [
            strip_defaults(item, matching_item(item, live, at), matching_item(item, declared, at), path)
            for at, item in enumerate(new)
        ]
    means_the_same = declared is not None and difference(declared, new, ("spec", *path)) is None
    return declared if means_the_same else new


def _mapping(new: dict[str, Any], live: Any, declared: dict[str, Any], path: Path) -> dict[str, Any]:
    live = live if isinstance(live, dict) else {}
    stripped = {
        key: strip_defaults(value, live.get(key), declared.get(key), (*path, key))
        for key, value in new.items()
        if declared.get(key) is not None or not (_is_empty(value) or _needs_no_apply(key, new, live, path))
    }
    # What the server does not store, such as `hostNetwork: false`, stays as it is written.
    kept = {
        key: value for key, value in declared.items() if key not in {**new, **live} and difference(value, None) is None
    }
    order = [*declared, *(key for key in stripped if key not in declared)]
    return {key: (stripped | kept)[key] for key in order if key in stripped or key in kept}


def undeclared_leftover(new: Any, live: Any, declared: Any, path: Path = ("spec", "template")) -> Path | None:
    """Returns the first live field that `new` lacks and the manifest never declared: an apply would not remove it."""
    if isinstance(new, dict) and isinstance(live, dict):
        fields = declared if isinstance(declared, dict) else {}
        for key, value in live.items():
            if _is_empty(new.get(key)):
                if _is_empty(value) or fields.get(key) is not None:
                    continue
                return (*path, key)
            if found := undeclared_leftover(new[key], value, fields.get(key), (*path, key)):
                return found
    if isinstance(new, list):
        for at, item in enumerate(new):
            pair = matching_item(item, live, at), matching_item(item, declared, at)
            if found := undeclared_leftover(item, *pair, (*path, at)):
                return found
    return None


def matching_item(item: Any, others: Any, at: int) -> Any:
    """Returns the item of another list that an apply would merge with this one; None where there is none."""
    if not isinstance(others, list):
        return None
    key = _merge_key([item, *others])
    if key is None:
        return others[at] if at < len(others) else None
    return next((other for other in others if other[key] == item[key]), None)


def _merge_key(items: Sequence[Any]) -> str | None:
    """Returns the field that tells the items of a list apart; None where their position does."""
    return next((key for key in _MERGE_KEYS if all(isinstance(item, dict) and key in item for item in items)), None)


def _is_empty(value: Any) -> bool:
    return value is None or value in ({}, [])


def _needs_no_apply(key: str, new: dict[str, Any], live: dict[str, Any], path: Path) -> bool:
    """Returns whether the object ends up with the new value of an undeclared field all the same."""
    if key in live and key not in ALIASES:
        return json_equal(new[key], live[key])
    return _is_default(key, new, path)


def _is_default(key: str, fields: dict[str, Any], path: Path) -> bool:
    """Returns whether the server adds this field, with this value, where it is absent."""
    value = fields[key]
    parent = path[-1] if path else ""
    if key == "imagePullPolicy":
        return bool(value == _pull_policy(str(fields.get("image", ""))))
    if key in ALIASES:
        return bool(value == fields.get(ALIASES[key]))
    return key in DEFAULTS.get(str(parent), {}) and json_equal(DEFAULTS[str(parent)][key], value)


def _pull_policy(image: str) -> str:
    """Returns the server's default for an image: Always for the tag `latest`, which is also the default tag."""
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2] or "latest"
    return "Always" if tag == "latest" and not digest else "IfNotPresent"
