"""Whether releases have ended, seen from outside: by the objects alone, and what their last writers left."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.endurance.apps import App

OURS = "steerer"
_READ = ("rollouts", "deployments", "virtualservices")


def unended(apps: Iterable[App]) -> dict[App, str]:
    """Give the Rollouts whose release has not ended, each with what is missing."""
    seen: dict[str, dict[str, dict[str, Any]]] = {}
    found = {}
    for app in apps:
        if app.namespace not in seen:
            seen[app.namespace] = {what: _listed(app, what) for what in _READ}
        missing = _missing(app, seen[app.namespace])
        if missing:
            found[app] = missing
    return found


def _listed(app: App, what: str) -> dict[str, dict[str, Any]]:
    return {item["metadata"]["name"]: item for item in app.get(what, every=True)["items"]}


def _missing(app: App, objects: dict[str, dict[str, Any]]) -> str:
    """Say what keeps a release from having ended; "" = it has. What others wrote last is left to them."""
    primary, canary = (objects["deployments"][name] for name in (app.name, app.canary))
    route, status = objects["virtualservices"][app.name], objects["rollouts"][app.name].get("status", {})
    weights = [end.get("weight", 0) for one in route["spec"]["http"] for end in one["route"][1:]]
    wrong = {
        "another revision was promoted": status.get("canaryRevision") != status.get("promotedRevision"),
        "the canary still has replicas": _writer(canary, "replicas") == OURS and canary["spec"]["replicas"],
        f"the canary still has {weights} % of the traffic": _writer(route, "http") == OURS and any(weights),
        "primary and canary differ": primary["spec"]["template"]["spec"] != canary["spec"]["template"]["spec"],
    }
    if status.get("phase") == "Succeeded":
        return "; ".join(what for what, true in wrong.items() if true)
    return "" if status.get("phase") == "Initialized" else f"{status.get('phase')}: {_ready(status)}"


def _ready(status: dict[str, Any]) -> str:
    return next((one["message"] for one in status.get("conditions", ()) if one["type"] == "Ready"), "")


def _writer(manifest: dict[str, Any], member: str) -> str:
    """Name the last manager who wrote a member of the spec."""
    owners = defaultdict(str)
    for entry in manifest["metadata"]["managedFields"]:
        if f"f:{member}" in entry.get("fieldsV1", {}).get("f:spec", {}) and not entry.get("subresource"):
            owners[entry["time"]] = entry["manager"]
    return owners[max(owners)] if owners else ""
