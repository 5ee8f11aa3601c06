"""Istio's DestinationRule: the subsets of a Service's pods that it defines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from reconcile.model.fields import mappings
from reconcile.model.kinds import DESTINATION_RULE, Manifest, Ref
from reconcile.model.names import short_host

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class Subset(Struct, frozen=True, kw_only=True):
    """One subset as one DestinationRule defines it. Without `labels` it has all pods of the Service."""

    rule: Ref
    name: str
    labels: dict[str, Any]

    def selects(self, labels: Mapping[str, Any]) -> bool:
        """Returns whether pods with these labels are in the subset."""
        return all(labels.get(key) == value for key, value in self.labels.items())


def subsets(rules: Iterable[Manifest], service: Ref) -> tuple[Subset, ...]:
    """Returns the subsets that DestinationRules of the Service's namespace define for it.

    As Istio has it, those for the very host are merged, and one with a wildcard counts only where there are none.
    """
    by_host = [(str(_spec(rule).get("host") or ""), rule) for rule in rules]
    exact = [rule for host, rule in by_host if short_host(host, service.namespace) == service.name]
    wide = [rule for host, rule in by_host if _is_wildcard_for(host, service.namespace)]
    return tuple(subset for rule in exact or wide for subset in _defined(rule, service.namespace))


def _is_wildcard_for(host: str, namespace: str) -> bool:
    """Returns whether a host such as `*.test.svc.cluster.local` or `*.local` has the Services of a namespace in it."""
    star, _, rest = host.partition("*.")
    if host == "*" or (star == "" and short_host(f"any.{rest}", namespace)):
        return True
    return star == "" and bool(rest) and f".{namespace}.svc.cluster.local".endswith(f".{rest}")


def _defined(rule: Manifest, namespace: str) -> Iterator[Subset]:
    ref = Ref(DESTINATION_RULE, namespace, str((rule.get("metadata") or {}).get("name")))
    for item in mappings(_spec(rule).get("subsets")):
        labels = item.get("labels")
        yield Subset(rule=ref, name=str(item.get("name")), labels=dict(labels) if isinstance(labels, dict) else {})


def _spec(rule: Manifest) -> Manifest:
    spec = rule.get("spec")
    return spec if isinstance(spec, dict) else {}
