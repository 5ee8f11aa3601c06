"""Reads and checks the manifest of a Rollout, once for all."""

from __future__ import annotations

from typing import Any

from reconcile.model import durations
from reconcile.model.fields import Fields
from reconcile.model.kinds import ROLLOUT, Manifest, Ref
from reconcile.model.names import DNS_LABEL, DNS_NAME, short_host
from reconcile.model.rollout import Check, Phase, Rollout, Spec, State
from reconcile.model.text import shown
from reconcile.model.times import parse_time

MOST_METRICS = 32
MOST_NAME = 253
MOST_REPLICAS = 2**31 - 1
DEFAULT_MAX_WEIGHT = 100
DEFAULT_INTERVAL = "1m"

# The fields of each mapping of the spec, as in the CustomResourceDefinition. Any other one is a problem.
SPEC = ("targetKind", "virtualService", "primary", "canary", "canaryAnalysis")
VIRTUAL_SERVICE = ("name",)
SIDE = ("name", "host")
ANALYSIS = ("maxWeight", "stepWeight", "metrics")
CHECK = ("name", "threshold", "interval")


def parse(manifest: Manifest) -> Rollout:
    """Returns the Rollout. What is wrong is in its `problems`, each with the path of its field; nothing is raised."""
    root = Fields(value=manifest)
    named = root.child("metadata")
    metadata = named.value
    name, namespace = named.name("name"), str(metadata.get("namespace") or "default")
    if not DNS_LABEL.fullmatch(namespace):
        named.problem("namespace", f"{shown(namespace)} is no name of a namespace (lower case letters, digits and '-')")
    spec = _spec(root.child("spec").only(*SPEC), namespace)
    status = manifest.get("status")
    state = _state(root.child("status", required=False))
    labels = metadata.get("labels")
    return Rollout(
        ref=Ref(ROLLOUT, namespace, name or str(metadata.get("name") or "")),
        api_version=str(manifest.get("apiVersion") or ROLLOUT.api_version(ROLLOUT.versions[0])),
        uid=_text(metadata.get("uid")),
        generation=_integer(metadata.get("generation")),
        resource_version=_text(metadata.get("resourceVersion")),
        created=parse_time(metadata.get("creationTimestamp")),
        deleted=metadata.get("deletionTimestamp") is not None,
        spec=None if root.problems else spec,
        draft=spec,
        state=state,
        status=status if isinstance(status, dict) else None,
        labels={str(key): str(value) for key, value in labels.items()} if isinstance(labels, dict) else {},
        problems=tuple(root.problems),
    )


def _spec(spec: Fields, namespace: str) -> Spec:
    kind = spec.text("targetKind", "Deployment")
    if kind not in {"Deployment", ""}:
        spec.problem("targetKind", f'must be "Deployment", not {shown(kind)}')
    primary, canary = spec.child("primary").only(*SIDE), spec.child("canary").only(*SIDE)
    analysis = spec.child("canaryAnalysis").only(*ANALYSIS)
    wanted = Spec(
        virtual_service=spec.child("virtualService").only(*VIRTUAL_SERVICE).name("name"),
        primary=primary.name("name"),
        primary_host=_host(primary, namespace),
        canary=canary.name("name"),
        canary_host=_host(canary, namespace),
        max_weight=analysis.integer("maxWeight", 1, 100, DEFAULT_MAX_WEIGHT),
        step_weight=analysis.integer("stepWeight", 1, 100),
        checks=tuple(_check(item.only(*CHECK)) for item in analysis.children("metrics", MOST_METRICS)),
    )
    if wanted.primary and wanted.primary == wanted.canary:
        canary.problem("name", "must differ from spec.primary.name")
    if wanted.primary_host and wanted.primary_host == wanted.canary_host:
        canary.problem("host", "must differ from spec.primary.host")
    return wanted


def _host(side: Fields, namespace: str) -> str:
    host = side.text("host")
    if not host:
        return ""
    if not DNS_NAME.fullmatch(host):
        alone = f"; write the name of a Service of namespace {namespace} alone" if "/" in host else ""
        side.problem("host", f"{shown(host)} is no host name{alone}")
        return ""
    short = short_host(host, namespace)
    if short is None:
        side.problem("host", f"{shown(host)} is no Service of namespace {namespace}")
    return short or ""


def _check(check: Fields) -> Check:
    interval = check.value.get("interval")
    if interval is None:
        interval = DEFAULT_INTERVAL
    elif not isinstance(interval, str) or not durations.seconds(interval):
        check.problem("interval", "must be a duration above zero like 30s, 1m or 1h")
        interval = DEFAULT_INTERVAL
    name = check.text("name")
    if len(name) > MOST_NAME:
        check.problem("name", f"is longer than {MOST_NAME} characters: no metric has such a name")
    return Check(name=name, threshold=check.number("threshold"), interval=interval)


def _state(status: Fields) -> State:
    phase = status.text("phase", "") if status.value.get("phase") else ""
    if phase not in {*Phase}:
        status.problem("phase", f"{shown(phase)} is no phase that this version knows; remove the status to start anew")
        phase = ""
    return State(
        phase=Phase(phase),
        canary_revision=status.text("canaryRevision", "") if status.value.get("canaryRevision") else "",
        canary_generation=_integer(status.value.get("canaryGeneration")),
        canary_uid=_text(status.value.get("canaryUID")) or "",
        promoted_revision=_text(status.value.get("promotedRevision")) or "",
        primary_revision=_text(status.value.get("primaryRevision")) or "",
        canary_weight=status.integer("canaryWeight", 0, 100, 0),
        proven_weight=status.integer("provenWeight", 0, 100, 0),
        canary_replicas=status.integer("canaryReplicas", 0, MOST_REPLICAS, 0) or None,
        last_advance=status.time("lastAdvanceTime"),
        last_transition=status.time("lastTransitionTime"),
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _integer(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
