"""Objects that select pods by their labels: those that a promotion would take the primary's pods away from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from reconcile.model import label_selector
from reconcile.model.kinds import SERVICE, Kind
from reconcile.preflight.findings import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconcile.model.kinds import Manifest
    from reconcile.preflight.findings import Subject


def _istio(name: str, plural: str, group: str, *versions: str) -> Kind:
    return Kind(name=name, plural=plural, group=f"{group}.istio.io", versions=versions)


# Where each kind has selectors of pods of its own namespace; `*` is each item of a list.
PATHS: dict[Kind, tuple[str, ...]] = {
    SERVICE: ("spec.selector",),
    Kind(name="NetworkPolicy", plural="networkpolicies", group="networking.k8s.io", versions=("v1",)): (
        "spec.podSelector",
        "spec.ingress.*.from.*.podSelector",
        "spec.egress.*.to.*.podSelector",
    ),
    Kind(name="PodDisruptionBudget", plural="poddisruptionbudgets", group="policy", versions=("v1",)): (
        "spec.selector",
    ),
    Kind(name="PodMonitor", plural="podmonitors", group="monitoring.coreos.com", versions=("v1",)): ("spec.selector",),
    _istio("AuthorizationPolicy", "authorizationpolicies", "security", "v1", "v1beta1"): ("spec.selector",),
    _istio("PeerAuthentication", "peerauthentications", "security", "v1", "v1beta1"): ("spec.selector",),
    _istio("RequestAuthentication", "requestauthentications", "security", "v1", "v1beta1"): ("spec.selector",),
    _istio("Telemetry", "telemetries", "telemetry", "v1", "v1alpha1"): ("spec.selector",),
    _istio("Sidecar", "sidecars", "networking", "v1", "v1beta1", "v1alpha3"): ("spec.workloadSelector",),
    _istio("EnvoyFilter", "envoyfilters", "networking", "v1alpha3"): ("spec.workloadSelector",),
}


class _Selection(Struct, frozen=True, kw_only=True):
    """One selector of one object, and its path."""

    object: str
    path: str
    selector: Manifest


def selectors(subject: Subject) -> Iterator[Finding]:
    """Yields each object that selects the primary's pods now or after a promotion, and not both.

    Those that the primary would be lost to are errors, although no pass reads them: they are policies, and no traffic.
    """
    objects = subject.case.objects
    before, after = objects.primary.labels, _labels(objects.promoted_template)
    pods = f"the pods of {objects.primary.full_name}"
    changed = {key for key in before | after if before.get(key) != after.get(key)}
    for item in _selections(subject):
        now, then = (label_selector.matches(item.selector, labels) for labels in (before, after))
        keys = sorted(label_selector.keys(item.selector) & changed)
        what = {"object": item.object, "path": item.path}
        if now and not then:
            message = f"selects {pods} by {', '.join(keys)}, which a promotion would replace: it would lose them"
            yield Finding(level=Level.ERROR, message=message, advice=_keep(keys), **what)
        elif then and not now:
            message = f"would select {pods} after a promotion, by {', '.join(keys)}, and does not now"
            yield Finding(level=Level.WARNING, message=message, advice=_keep(keys), **what)


def summary(subject: Subject) -> str:
    """Returns how many objects were looked at."""
    count = len({item.object for item in _selections(subject)})
    return f"{count} others select pods, and a promotion would change nothing for them" if count else "none other"


def _keep(keys: Iterable[str]) -> str:
    pointers = (f"/metadata/labels/{key.replace('~', '~0').replace('/', '~1')}" for key in keys)
    return f"add to spec.canaryAnalysis.promotion: keep: [{', '.join(pointers)}]"


def _selections(subject: Subject) -> Iterator[_Selection]:
    rollout = subject.case.rollout
    own = {rollout.primary_service.name, rollout.canary_service.name}
    for manifest in subject.neighbours:
        kind = next((kind for kind in PATHS if kind.matches(manifest)), None)
        metadata = manifest.get("metadata")
        name = str(metadata.get("name") if isinstance(metadata, dict) else None)
        if kind == SERVICE and name in own:
            continue  # these have a check of their own
        for pattern in PATHS[kind] if kind else ():
            for path, selector in _at(manifest, pattern.split(".")):
                yield _Selection(
                    object=f"{manifest['kind']} {name}.{rollout.ref.namespace}", path=path, selector=selector
                )


def _at(value: Any, keys: list[str], path: str = "") -> Iterator[tuple[str, Manifest]]:
    """Yields the selectors at a path. A peer of other namespaces selects none of this one by its labels alone."""
    if not keys:
        if isinstance(value, dict):
            yield path, _as_selector(value)
    elif keys[0] == "*":
        for index, item in enumerate(value if isinstance(value, list) else ()):
            yield from _at(item, keys[1:], f"{path}[{index}]")
    elif isinstance(value, dict) and not (keys == ["podSelector"] and "namespaceSelector" in value):
        yield from _at(value.get(keys[0]), keys[1:], f"{path}.{keys[0]}".lstrip("."))


def _as_selector(value: Manifest) -> Manifest:
    """Returns a selector as Kubernetes writes most of them: a Service has the labels alone, a Sidecar in `labels`."""
    if "matchLabels" in value or "matchExpressions" in value:
        return value
    labels = value.get("labels")
    return {"matchLabels": labels if isinstance(labels, dict) else value}


def _labels(template: Manifest) -> dict[str, Any]:
    return dict((template.get("metadata") or {}).get("labels") or {})
