"""A pod template as a person would write it into Git: without what the server adds by itself.

Duty: **pure**: from the template that the live object is to have to the one that its manifest has to state. A
promotion copies a live template, which has every default in it; in Git they would be noise, and nobody's decision.
"""

from __future__ import annotations

from typing import Any

from reconcile.clusters.folder.yaml_documents import same
from reconcile.clusters.git.manifest_diff import Path, difference, partner

_CONTAINER = {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}
_PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_FILES = {"defaultMode": 420}
# What the API server adds to a pod template, by the member that it is added to.
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


def lean(new: Any, live: Any, stated: Any, path: Path = ()) -> Any:
    """Give what a manifest has to state for an apply to end in `new`.

    `live` is what the object has now, `stated` what its manifest has. A member that the manifest does not state stays
    out of it where the object has it already, and where the server adds it; what it states and `new` has in another
    spelling stays as it is written.
    """
    if isinstance(new, dict):
        return _mapping(new, live, stated if isinstance(stated, dict) else {}, path)
    if isinstance(new, list):
        return [lean(item, partner(item, live, at), partner(item, stated, at), path) for at, item in enumerate(new)]
    alike = stated is not None and difference(stated, new, ("spec", *path)) is None
    return stated if alike else new


def _mapping(new: dict[str, Any], live: Any, stated: dict[str, Any], path: Path) -> dict[str, Any]:
    has = live if isinstance(live, dict) else {}
    leaned = {
        key: lean(value, has.get(key), stated.get(key), (*path, key))
        for key, value in new.items()
        if stated.get(key) is not None or not (_empty(value) or _comes_by_itself(key, new, has, path))
    }
    # What the server does not keep, such as `hostNetwork: false`, stays as it is written.
    kept = {
        key: value for key, value in stated.items() if key not in {**new, **has} and difference(value, None) is None
    }
    order = [*stated, *(key for key in leaned if key not in stated)]
    return {key: (leaned | kept)[key] for key in order if key in leaned or key in kept}


def left_over(new: Any, live: Any, stated: Any, path: Path = ("spec", "template")) -> Path | None:
    """Find what an apply of a manifest would leave in the object although `new` has it not: nobody stated it there."""
    if isinstance(new, dict) and isinstance(live, dict):
        said = stated if isinstance(stated, dict) else {}
        for key, value in live.items():
            if _empty(new.get(key)):
                if _empty(value) or said.get(key) is not None:
                    continue
                return (*path, key)
            if found := left_over(new[key], value, said.get(key), (*path, key)):
                return found
    if isinstance(new, list):
        for at, item in enumerate(new):
            if found := left_over(item, partner(item, live, at), partner(item, stated, at), (*path, at)):
                return found
    return None


def _empty(value: Any) -> bool:
    return value is None or value in ({}, [])


def _comes_by_itself(key: str, beside: dict[str, Any], has: dict[str, Any], path: Path) -> bool:
    """Say whether an apply that leaves a member out ends with it as it is to be."""
    if key in has and key not in ALIASES:
        return same(beside[key], has[key])
    return _added(key, beside, path)


def _added(key: str, beside: dict[str, Any], path: Path) -> bool:
    """Say whether the server adds this member, with this value, where it is absent."""
    value = beside[key]
    parent = path[-1] if path else ""
    if key == "imagePullPolicy":
        return bool(value == _pull_policy(str(beside.get("image", ""))))
    if key in ALIASES:
        return bool(value == beside.get(ALIASES[key]))
    return key in DEFAULTS.get(str(parent), {}) and same(DEFAULTS[str(parent)][key], value)


def _pull_policy(image: str) -> str:
    """Give what the server chooses for an image: one that may change behind its name is pulled always."""
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2] or "latest"
    return "Always" if tag == "latest" and not digest else "IfNotPresent"
