"""The objects around a Rollout as typed values: Deployments, Services, autoscalers.

A value says what the object says. Whether that is good is decided in `core`.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from reconcile.model import label_selector
from reconcile.model.errors import InvalidObjectError
from reconcile.model.fields import Fields
from reconcile.model.kinds import DEPLOYMENT, Kind, Manifest, Ref
from reconcile.model.template_hash import revision

if TYPE_CHECKING:
    from collections.abc import Mapping

MANY = 2**31 - 1
_PERCENT = re.compile(r"([0-9]{1,9})%")


class Deployment(Struct, frozen=True, kw_only=True, dict=True):
    """One Deployment. An absent `spec.replicas` is 1, an absent count of the status is 0.

    `wanted` is `spec.replicas`, `replicas` is `status.replicas`. `reported`: it has a status at all. `kept` is how
    many pods its update strategy keeps available, at least, while the template changes.
    """

    ref: Ref
    api_version: str
    uid: str | None
    generation: int | None
    template: Manifest
    selector_keys: frozenset[str]
    selector: Manifest
    wanted: int
    replicas_written: bool
    kept: int
    paused: bool
    reported: bool
    observed_generation: int | None
    replicas: int
    updated: int
    available: int
    deadline_exceeded: bool
    replica_failure: str
    manifest: Manifest

    @property
    def full_name(self) -> str:
        """`name.namespace`, as in every message."""
        return self.ref.full_name

    @cached_property
    def revision(self) -> str:
        """The revision of its pod template."""
        return revision(self.template)

    @property
    def labels(self) -> dict[str, Any]:
        """The labels of its pods."""
        return dict((self.template.get("metadata") or {}).get("labels") or {})

    def selects(self, labels: Mapping[str, Any]) -> bool:
        """Returns whether its selector matches these labels. An empty one matches none: no server would store it."""
        return label_selector.matches(self.selector, labels)


class Autoscaler(Struct, frozen=True, kw_only=True):
    """One HorizontalPodAutoscaler: its least size, and its status.

    `utilization_of` names the resources, such as cpu, that it computes a share of what the containers request of.
    `is_active` is False where it cannot compute a size, with the reason in its own words.
    """

    name: str
    min_replicas: int
    current_replicas: int
    desired_replicas: int
    utilization_of: frozenset[str] = frozenset()
    is_active: bool = True
    inactive_reason: str = ""


def deployment(manifest: Manifest) -> Deployment:
    """Returns the Deployment. Raises InvalidObjectError where no API server would store the manifest."""
    root = Fields(value=manifest)
    metadata, spec, status = root.child("metadata"), root.child("spec"), root.child("status", required=False)
    template, selector = spec.child("template"), spec.child("selector", required=False)
    pod_metadata = template.child("metadata", required=False)
    pod_metadata.child("labels", required=False)
    conditions = _conditions(status)
    wanted = spec.integer("replicas", 0, MANY, 1)
    view = Deployment(
        ref=ref_of(DEPLOYMENT, metadata),
        api_version=str(manifest.get("apiVersion") or "apps/v1"),
        uid=metadata.text("uid", "") or None,
        generation=_count(metadata, "generation"),
        template=template.value,
        selector=selector.value,
        selector_keys=_selector_keys(selector),
        wanted=wanted,
        replicas_written=spec.value.get("replicas") is not None,
        kept=_kept(spec.child("strategy", required=False), wanted),
        paused=spec.value.get("paused") is True,
        reported=bool(status.value),
        observed_generation=_count(status, "observedGeneration"),
        replicas=status.integer("replicas", 0, MANY, 0),
        updated=status.integer("updatedReplicas", 0, MANY, 0),
        available=status.integer("availableReplicas", 0, MANY, 0),
        deadline_exceeded=conditions.get("Progressing", {}).get("reason") == "ProgressDeadlineExceeded",
        replica_failure=_failure(conditions.get("ReplicaFailure", {})),
        manifest=manifest,
    )
    raise_problems(root)
    return view


def autoscaler(manifest: Manifest) -> Autoscaler:
    """Returns the autoscaler; the manifest may have any version. Raises InvalidObjectError."""
    root = Fields(value=manifest)
    metadata, spec, status = root.child("metadata"), root.child("spec"), root.child("status", required=False)
    active = _conditions(status).get("ScalingActive", {})
    spec.child("scaleTargetRef")
    view = Autoscaler(
        name=metadata.text("name"),
        min_replicas=spec.integer("minReplicas", 0, MANY, 1),
        current_replicas=status.integer("currentReplicas", 0, MANY, 0),
        desired_replicas=status.integer("desiredReplicas", 0, MANY, 0),
        utilization_of=_utilization_of(spec),
        is_active=active.get("status") != "False",
        inactive_reason=": ".join(str(active[key]) for key in ("reason", "message") if active.get(key)),
    )
    raise_problems(root)
    return view


def _conditions(status: Fields) -> dict[str, Manifest]:
    """Returns the conditions of a status by their type."""
    return {str(item.value.get("type")): item.value for item in status.children("conditions", MANY)}


def _utilization_of(spec: Fields) -> frozenset[str]:
    """Returns the resources of `autoscaling/v2` metrics of type Utilization, and cpu for the field of `v1`."""
    found = {"cpu"} if spec.value.get("targetCPUUtilizationPercentage") is not None else set()
    for item in spec.children("metrics", MANY):
        resource = item.child("resource", required=False).value
        target = resource.get("target")
        if isinstance(target, dict) and target.get("type") == "Utilization":
            found.add(str(resource.get("name")))
    return frozenset(found)


def _failure(condition: Manifest) -> str:
    if condition.get("status") != "True":
        return ""
    return str(condition.get("message") or condition.get("reason") or "")


def scales(autoscaler: Manifest, deployment: Ref) -> bool:
    """Returns whether an autoscaler scales this Deployment. One without a target, such as a patch, scales none."""
    target = Fields(value=autoscaler).child("spec").child("scaleTargetRef").value
    return (target.get("kind"), target.get("name")) == (deployment.kind.name, deployment.name)


def ref_of(kind: Kind, metadata: Fields) -> Ref:
    """Returns the name of an object from its metadata."""
    return Ref(kind, metadata.text("namespace", "default"), metadata.text("name"))


def _kept(strategy: Fields, wanted: int) -> int:
    """Returns how many of the wanted pods an update keeps, as the Deployment controller counts them."""
    if strategy.value.get("type") == "Recreate":
        return 0
    rolling = strategy.child("rollingUpdate", required=False).value
    surge = _share(rolling.get("maxSurge"), wanted, up=True)
    unavailable = _share(rolling.get("maxUnavailable"), wanted, up=False)
    # With neither no pod could be replaced: the controller then takes one down.
    return max(wanted - (unavailable or (0 if surge else 1)), 0)


def _share(value: Any, wanted: int, *, up: bool) -> int:
    """Returns a number of pods that is given as one, or as percent of the wanted ones; absent = 25 %."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    percent = _PERCENT.fullmatch("25%" if value is None else str(value))
    share = int(percent[1]) * wanted if percent else 0
    return -(-share // 100) if up else share // 100


def _selector_keys(selector: Fields) -> frozenset[str]:
    expressions = [str(item.value.get("key")) for item in selector.children("matchExpressions", MANY)]
    return frozenset([*selector.child("matchLabels", required=False).value, *expressions])


def _count(fields: Fields, key: str) -> int | None:
    value = fields.value.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def raise_problems(root: Fields) -> None:
    """Raises InvalidObjectError with all problems that were found, if there are any."""
    if root.problems:
        raise InvalidObjectError(tuple(root.problems))
