"""Promotion: what the primary's pod template becomes.

Duty: section "Promotion" of the contract. The canary's template replaces the primary's, except for what ties pods to
their own Deployment and Service. When to promote is decided elsewhere. Pure.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconcile.model.template_hash import revision, same_template

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconcile.model.kinds import Manifest
    from reconcile.model.objects import Deployment, Service


@dataclass(frozen=True, slots=True)
class Identity:
    """The labels that tie pods to their Deployment and Service: `keys`, and the value each side has, if any."""

    keys: frozenset[str]

    def of(self, deployment: Deployment) -> dict[str, Any]:
        """Give the identity labels of a Deployment's pods."""
        return {key: value for key, value in deployment.labels.items() if key in self.keys}


def identity(primary: Deployment, services: Iterable[Service]) -> Identity:
    """Find the keys that the primary's selector or one of the Services' selectors uses."""
    return Identity(primary.selector_keys.union(*(service.selector for service in services)))


def promoted(source: Deployment, target: Deployment, keep: Identity) -> Manifest:
    """Give the template that `target` gets from `source`: replaced, with the identity labels of `target`.

    Label selectors inside affinities and topology spread constraints that select `source`'s own value of an identity
    label select `target`'s instead. The sources are left alone.
    """
    template = deepcopy(source.template)
    kept, given = keep.of(target), keep.of(source)
    metadata = template.get("metadata") or {}
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key not in keep.keys}
    labels.update(kept)
    if labels or "labels" in metadata:
        template["metadata"] = metadata | {"labels": labels}
    for selector in _selectors(template.get("spec")):
        _retarget(selector, given, kept)
    return template


def carries(canary: Deployment, primary: Deployment, keep: Identity) -> bool:
    """Say whether the primary already runs what the canary's present template would make of it."""
    return same_template(promoted(canary, primary, keep), primary.template)


def carries_revision(wanted: str, canary: Deployment, primary: Deployment, keep: Identity) -> bool:
    """Say whether the primary runs a revision that the canary no longer has: the copy, undone, has its hash."""
    return revision(promoted(primary, canary, keep)) == wanted


def _selectors(spec: Any) -> Iterator[Manifest]:
    """Walk the label selectors of a pod spec that are about its own kind of pods."""
    if not isinstance(spec, dict):
        return
    yield from _label_selectors(spec.get("topologySpreadConstraints"))
    affinity = spec.get("affinity")
    for name in ("podAffinity", "podAntiAffinity"):
        rules = affinity.get(name) if isinstance(affinity, dict) else None
        if not isinstance(rules, dict):
            continue
        yield from _label_selectors(rules.get("requiredDuringSchedulingIgnoredDuringExecution"))
        preferred = rules.get("preferredDuringSchedulingIgnoredDuringExecution")
        yield from _label_selectors(
            [term.get("podAffinityTerm") for term in preferred if isinstance(term, dict)]
            if isinstance(preferred, list)
            else None
        )


def _label_selectors(terms: Any) -> Iterator[Manifest]:
    for term in terms if isinstance(terms, list) else ():
        selector = term.get("labelSelector") if isinstance(term, dict) else None
        if isinstance(selector, dict):
            yield selector


def _retarget(selector: Manifest, given: dict[str, Any], kept: dict[str, Any]) -> None:
    """Let a selector that selects the source's own label select the target's; where it has none, its absence."""
    labels = selector.get("matchLabels")
    expressions = list(selector.get("matchExpressions") or ())
    for key, own in given.items():
        if isinstance(labels, dict) and labels.get(key) == own and kept.get(key) != own:
            del labels[key]
            if key in kept:
                labels[key] = kept[key]
            else:
                expressions.append({"key": key, "operator": "DoesNotExist"})
    if labels == {}:
        del selector["matchLabels"]
    changed = [_retargeted(expression, given, kept) for expression in expressions]
    if changed != (selector.get("matchExpressions") or []):
        selector["matchExpressions"] = changed


def _retargeted(expression: Any, given: dict[str, Any], kept: dict[str, Any]) -> Any:
    values = expression.get("values") if isinstance(expression, dict) else None
    key = expression.get("key") if isinstance(expression, dict) else None
    if not isinstance(values, list) or key not in given or given[key] not in values:
        return expression
    if key in kept:
        return expression | {"values": list(dict.fromkeys(kept[key] if v == given[key] else v for v in values))}
    others = [value for value in values if value != given[key]]
    if others:
        return expression | {"values": others}
    return {"key": key, "operator": "DoesNotExist" if expression.get("operator") == "In" else "Exists"}
