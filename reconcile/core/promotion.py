"""Promotion: the pod template that the primary gets.

The canary's template replaces the primary's, except for the labels that tie pods to their own Deployment, Service and
subset, and for what `promotion.keep` names. When to promote is decided by the state machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from reconcile.model import template_pointer
from reconcile.model.copies import copy_of
from reconcile.model.template_hash import revision

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconcile.model.destination_rule import Subset
    from reconcile.model.kinds import Manifest
    from reconcile.model.objects import Deployment
    from reconcile.model.service import Service


class Identity(Struct, frozen=True):
    """The keys of the labels that tie pods to what reaches them, and pointers to what else the primary keeps."""

    keys: frozenset[str]
    pointers: tuple[str, ...] = ()

    def labels_of(self, deployment: Deployment) -> dict[str, Any]:
        """Returns the labels of a Deployment's pods that have one of these keys."""
        return {key: value for key, value in deployment.labels.items() if key in self.keys}


def identity_of(
    primary: Deployment, services: Iterable[Service], subsets: Iterable[Subset] = (), keep: Iterable[str] = ()
) -> Identity:
    """Returns the keys that the primary's selector, one of the Services' selectors or one of the subsets uses.

    `keep` are pointers that a person names. Those to labels make keys as well.
    """
    used = [*(service.selector for service in services), *(subset.labels for subset in subsets)]
    pointers = tuple(keep)
    labels = [key for pointer in pointers if (key := template_pointer.label(pointer)) is not None]
    return Identity(primary.selector_keys.union(*used, labels), pointers)


def promoted_template(source: Deployment, target: Deployment, identity: Identity) -> Manifest:
    """Returns the template that `target` gets: that of `source`, with the identity of `target`.

    Label selectors inside affinities and topology spread constraints that select `source`'s own value of an identity
    label select `target`'s instead. Neither Deployment is changed.
    """
    template: Manifest = copy_of(source.template)
    old, new = identity.labels_of(source), identity.labels_of(target)
    metadata = template.get("metadata") or {}
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key not in identity.keys}
    labels.update(new)
    if labels or "labels" in metadata:
        template["metadata"] = metadata | {"labels": labels}
    for selector in _selectors(template.get("spec")):
        _retarget(selector, old, new)
    for pointer in identity.pointers:
        template_pointer.keep(template, target.template, pointer)
    return template


def is_promoted_revision(wanted: str, canary: Deployment, primary: Deployment, identity: Identity) -> bool:
    """Returns whether the primary runs a revision that the canary no longer has.

    The promotion is undone for that: the primary's template with the labels of the canary has the hash of the revision.
    """
    return revision(promoted_template(primary, canary, identity)) == wanted


def _selectors(spec: Any) -> Iterator[Manifest]:
    """Yields the label selectors of a pod spec: of its topology spread constraints and pod (anti-)affinities."""
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


def _retarget(selector: Manifest, old: dict[str, Any], new: dict[str, Any]) -> None:
    """Replaces the `old` labels in a selector by the `new` ones; where there is no new one, by its absence."""
    labels = selector.get("matchLabels")
    expressions = list(selector.get("matchExpressions") or ())
    for key, value in old.items():
        if isinstance(labels, dict) and labels.get(key) == value and new.get(key) != value:
            del labels[key]
            if key in new:
                labels[key] = new[key]
            else:
                expressions.append({"key": key, "operator": "DoesNotExist"})
    if labels == {}:
        del selector["matchLabels"]
    changed = [_retargeted(expression, old, new) for expression in expressions]
    if changed != (selector.get("matchExpressions") or []):
        selector["matchExpressions"] = changed


def _retargeted(expression: Any, old: dict[str, Any], new: dict[str, Any]) -> Any:
    values = expression.get("values") if isinstance(expression, dict) else None
    key = expression.get("key") if isinstance(expression, dict) else None
    if not isinstance(values, list) or key not in old or old[key] not in values:
        return expression
    if key in new:
        return expression | {"values": list(dict.fromkeys(new[key] if v == old[key] else v for v in values))}
    others = [value for value in values if value != old[key]]
    if others:
        return expression | {"values": others}
    return {"key": key, "operator": "DoesNotExist" if expression.get("operator") == "In" else "Exists"}
