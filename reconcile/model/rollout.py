"""The Rollout as the program sees it: parsed once, checked once, frozen.

Duty: what a Rollout says (`Spec`) and what was stored about it (`State`), and every problem with either. Nothing of
the objects that it names. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from reconcile.model import durations
from reconcile.model.fields import DNS_LABEL, DNS_NAME, Fields, parse_time, shown
from reconcile.model.kinds import DEPLOYMENT, ROLLOUT, SERVICE, VIRTUAL_SERVICE, Manifest, Ref
from reconcile.model.plan import Failure

if TYPE_CHECKING:
    from datetime import datetime

MOST_METRICS = 32
MOST_NAME = 253
MOST_REPLICAS = 2**31 - 1
DEFAULT_MAX_WEIGHT = 100
DEFAULT_INTERVAL = "1m"


class Phase(StrEnum):
    """The phases of a Rollout. `NEW` is one without a phase: never seen before."""

    NEW = ""
    INITIALIZED = "Initialized"
    PROGRESSING = "Progressing"
    PROMOTING = "Promoting"
    FINALISING = "Finalising"
    SUCCEEDED = "Succeeded"


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One entry of `canaryAnalysis.metrics`. `interval` is a PromQL duration."""

    name: str
    threshold: float
    interval: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Spec:
    """What the user wants. Hosts are short names of Services in the Rollout's namespace."""

    virtual_service: str
    primary: str
    primary_host: str
    canary: str
    canary_host: str
    max_weight: int
    step_weight: int
    checks: tuple[Check, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """What earlier passes stored: the typed part of `status`. Weights in percent."""

    phase: Phase = Phase.NEW
    canary_revision: str = ""
    canary_generation: int | None = None
    canary_uid: str = ""
    promoted_revision: str = ""
    canary_weight: int = 0
    proven_weight: int = 0
    canary_replicas: int | None = None
    last_advance: datetime | None = None
    last_transition: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Rollout:
    """One Rollout. `spec` is None exactly if there are `problems`; `status` is what was stored, as it was stored.

    `draft` is the spec as far as it can be read: what cannot is empty, or the least there may be.
    """

    ref: Ref
    api_version: str
    uid: str | None
    generation: int | None
    resource_version: str | None
    created: datetime | None
    deleted: bool
    spec: Spec | None
    draft: Spec
    state: State
    status: Manifest | None
    labels: dict[str, str]
    problems: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """`name.namespace`, as in every message."""
        return self.ref.full_name

    @property
    def measured(self) -> datetime | None:
        """When an analysis last had an answer to all that it asked; None where a server did not give one in time."""
        stored = (self.status or {}).get("measurements")
        items = [item for item in stored if isinstance(item, dict)] if isinstance(stored, list) else []
        if any(item.get("verdict") == Failure.UNREACHABLE for item in items):
            return None
        return max(filter(None, (parse_time(item.get("time")) for item in items)), default=None)

    def _wants(self) -> Spec:
        if self.spec is None:
            raise ValueError(f"{self.ref} is invalid: {'; '.join(self.problems)}")
        return self.spec

    @property
    def primary(self) -> Ref:
        """The primary Deployment."""
        return Ref(DEPLOYMENT, self.ref.namespace, self._wants().primary)

    @property
    def canary(self) -> Ref:
        """The canary Deployment."""
        return Ref(DEPLOYMENT, self.ref.namespace, self._wants().canary)

    @property
    def primary_service(self) -> Ref:
        """The Service behind `primary.host`."""
        return Ref(SERVICE, self.ref.namespace, self._wants().primary_host)

    @property
    def canary_service(self) -> Ref:
        """The Service behind `canary.host`."""
        return Ref(SERVICE, self.ref.namespace, self._wants().canary_host)

    @property
    def route(self) -> Ref:
        """The object that splits the traffic."""
        return Ref(VIRTUAL_SERVICE, self.ref.namespace, self._wants().virtual_service)


def parse(manifest: Manifest) -> Rollout:
    """Read a Rollout; what is wrong with it is in its `problems`, with field paths, and not raised."""
    root = Fields(value=manifest)
    named = root.child("metadata")
    metadata = named.value
    name, namespace = named.name("name"), str(metadata.get("namespace") or "default")
    if not DNS_LABEL.fullmatch(namespace):
        named.problem("namespace", f"{shown(namespace)} is no name of a namespace (lower case letters, digits and '-')")
    spec = _spec(root.child("spec"), namespace)
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


def short_host(host: str, namespace: str) -> str | None:
    """Give the Service's name of a destination host, or None where it is of another namespace or of no Service.

    The spellings that Istio resolves alike inside a namespace: `name`, `name.namespace`, `name.namespace.svc` and
    `name.namespace.svc.cluster.local`.
    """
    for suffix in (f".{namespace}.svc.cluster.local", f".{namespace}.svc", f".{namespace}"):
        if host.endswith(suffix):
            host = host.removesuffix(suffix)
            break
    return host if host and "." not in host else None


def _spec(spec: Fields, namespace: str) -> Spec:
    kind = spec.text("targetKind", "Deployment")
    if kind not in {"Deployment", ""}:
        spec.problem("targetKind", f'must be "Deployment", not {shown(kind)}')
    primary, canary, analysis = spec.child("primary"), spec.child("canary"), spec.child("canaryAnalysis")
    wanted = Spec(
        virtual_service=spec.child("virtualService").name("name"),
        primary=primary.name("name"),
        primary_host=_host(primary, namespace),
        canary=canary.name("name"),
        canary_host=_host(canary, namespace),
        max_weight=analysis.integer("maxWeight", 1, 100, DEFAULT_MAX_WEIGHT),
        step_weight=analysis.integer("stepWeight", 1, 100),
        checks=tuple(_check(item) for item in analysis.children("metrics", MOST_METRICS)),
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
        side.problem("host", f"{shown(host)} is no host name")
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
