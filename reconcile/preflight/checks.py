"""All checks of a Rollout, in the order in which they are reported."""

from __future__ import annotations

from reconcile.core import gates
from reconcile.preflight import (
    autoscalers,
    capacity,
    gitops,
    keep,
    live,
    metrics,
    neighbours,
    queries,
    rollouts,
    routes,
    selectors,
    services,
    steps,
    workloads,
)
from reconcile.preflight.findings import Check

_EVERYWHERE = (
    Check("rollout", rollouts.fields, lambda _: "valid"),
    Check("rivals", rollouts.rivals, lambda _: "no other Rollout has its route or its Deployments"),
    Check("deployments", workloads.deployments, workloads.names),
    Check("services", services.services, lambda subject: gates.services(subject.case)),
    Check("routes", routes.routes, lambda subject: gates.routes(subject.case)),
    Check("reach", services.reach, lambda subject: gates.reach(subject.case)),
    Check("keep", keep.keep, keep.summary),
    Check("selectors", selectors.selectors, selectors.summary),
    Check("autoscalers", autoscalers.autoscalers, autoscalers.summary),
    Check("capacity", capacity.capacity, capacity.summary),
    Check("neighbours", neighbours.neighbours, neighbours.summary),
    Check("metrics", metrics.metrics, metrics.summary),
    Check("queries", queries.queries, queries.summary),
    Check("steps", steps.steps, lambda _: ""),
)

FOLDER = (
    *_EVERYWHERE,
    Check("primary", workloads.primary, lambda _: "neither paused nor without pods"),
    Check("canary", workloads.canary, lambda _: "not paused"),
    Check("replicas", autoscalers.replicas, autoscalers.replicas_summary),
)
"""For manifests in a folder: no status is needed, no default, no uid."""

CLUSTER = (
    *_EVERYWHERE,
    Check("primary", live.primary, lambda subject: gates.primary(subject.case)),
    Check("canary", live.canary, live.canary_summary),
    Check("scaling", live.scaling, lambda subject: gates.scaling(subject.case)),
    Check("gitops", gitops.gitops, lambda _: "no GitOps tool was the last to write what a release writes"),
)
"""For a cluster, which fills in what a manifest leaves out, and whose status tells more."""
