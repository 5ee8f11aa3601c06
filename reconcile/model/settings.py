"""What a pass is told from outside of the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconcile.model.measurement import Metric

# Of an interval: a CronJob's Jobs start early or late, and a second tick must not be lost for it.
ENOUGH = 0.75


class Settings(Struct, frozen=True, kw_only=True):
    """The settings of a pass: `interval` in seconds, `metrics` by name, and two groups of field managers.

    `gitops_managers` put back what Git states, against steerer. `appliers` apply what steerer wrote into Git. With
    `common_cause` no canary is rolled back where many fail in one pass.
    """

    interval: float = 60.0
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    gitops_managers: tuple[str, ...] = (
        "argocd-controller",
        "argocd-application-controller",
        "kustomize-controller",
        "helm-controller",
        "helm",
    )
    appliers: tuple[str, ...] = ()
    common_cause: bool = True
    inline_queries: bool = True
