"""A label selector as objects of Kubernetes have it: `matchLabels` and `matchExpressions`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.model.fields import mappings

if TYPE_CHECKING:
    from collections.abc import Mapping


def matches(selector: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    """Returns whether a selector matches labels. An empty one matches none: what it means differs from kind to kind."""
    wanted = _requirements(selector)
    return bool(wanted) and all(_meets(requirement, labels) for requirement in wanted)


def keys(selector: Mapping[str, Any]) -> frozenset[str]:
    """Returns the keys of the labels that a selector looks at."""
    return frozenset(str(requirement.get("key")) for requirement in _requirements(selector))


def _requirements(selector: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    exact = selector.get("matchLabels")
    pairs = exact.items() if isinstance(exact, dict) else ()
    return [
        *({"key": key, "operator": "In", "values": [value]} for key, value in pairs),
        *mappings(selector.get("matchExpressions")),
    ]


def _meets(requirement: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    """Returns whether labels meet one requirement. No labels meet an unknown operator."""
    key, values = str(requirement.get("key")), requirement.get("values")
    values = values if isinstance(values, list) else []
    return {
        "In": key in labels and labels[key] in values,
        "NotIn": key not in labels or labels[key] not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }.get(str(requirement.get("operator")), False)
