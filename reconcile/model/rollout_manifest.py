"""Reads and checks the manifest of a Rollout, once for all."""

from __future__ import annotations

from reconcile.model import actions
from reconcile.model.actions import Action
from reconcile.model.fields import Fields
from reconcile.model.kinds import ROLLOUT, ROUTE_KINDS, VIRTUAL_SERVICE, Manifest, Ref
from reconcile.model.names import DNS_LABEL, DNS_NAME, short_host
from reconcile.model.rollout import Rollout, Spec
from reconcile.model.rollout_checks import checks
from reconcile.model.rollout_policy import ANALYSIS, failure_policy, promotion_policy, steps
from reconcile.model.rollout_status import integer, parse_state, text
from reconcile.model.text import shown
from reconcile.model.times import parse_time

# The fields of each mapping of the spec, as in the CustomResourceDefinition. Any other one is a problem.
SPEC = ("targetKind", "suspend", "virtualService", "routes", "primary", "canary", "canaryAnalysis")
NAMED = ("name",)
ROUTE = ("kind", "name")
SIDE = ("name", "host")

MOST_ROUTES = 8
"""Objects that split the traffic of one Rollout."""


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
    state = parse_state(root.child("status", required=False))
    labels, asked = metadata.get("labels"), actions.parse(metadata.get("annotations"))
    usable = not root.problems or (Action.ABORT in asked.asked and _only_analysis(root.problems))
    return Rollout(
        ref=Ref(ROLLOUT, namespace, name or str(metadata.get("name") or "")),
        api_version=str(manifest.get("apiVersion") or ROLLOUT.api_version(ROLLOUT.versions[0])),
        uid=text(metadata.get("uid")),
        generation=integer(metadata.get("generation")),
        resource_version=text(metadata.get("resourceVersion")),
        created=parse_time(metadata.get("creationTimestamp")),
        deleted=metadata.get("deletionTimestamp") is not None,
        spec=spec if usable else None,
        draft=spec,
        state=state,
        status=status if isinstance(status, dict) else None,
        labels={str(key): str(value) for key, value in labels.items()} if isinstance(labels, dict) else {},
        actions=asked,
        problems=tuple(root.problems),
    )


def _spec(spec: Fields, namespace: str) -> Spec:
    kind = spec.text("targetKind", "Deployment")
    if kind not in {"Deployment", ""}:
        spec.problem("targetKind", f'must be "Deployment", not {shown(kind)}')
    primary, canary = spec.child("primary").only(*SIDE), spec.child("canary").only(*SIDE)
    analysis = spec.child("canaryAnalysis").only(*ANALYSIS)
    wanted = Spec(
        routes=_routes(spec, namespace),
        primary=primary.name("name"),
        primary_host=_host(primary, namespace),
        canary=canary.name("name"),
        canary_host=_host(canary, namespace),
        steps=steps(analysis),
        checks=checks(analysis),
        interval=analysis.duration("interval") or 0.0,
        warm_up=analysis.duration("warmUp") or 0.0,
        failure=failure_policy(analysis),
        promotion=promotion_policy(analysis),
        suspend=spec.flag("suspend"),
    )
    if wanted.primary and wanted.primary == wanted.canary:
        canary.problem("name", "must differ from spec.primary.name")
    if wanted.primary_host and wanted.primary_host == wanted.canary_host:
        canary.problem("host", "must differ from spec.primary.host")
    return wanted


def _routes(spec: Fields, namespace: str) -> tuple[Ref, ...]:
    """Returns the objects that split the traffic; one without a name where there is no usable one."""
    if spec.value.get("routes") is None:
        name = spec.child("virtualService").only(*NAMED).name("name")
        return (Ref(VIRTUAL_SERVICE, namespace, name),)
    if spec.value.get("virtualService") is not None:
        spec.problem("routes", "excludes spec.virtualService: name the VirtualService among the routes")
    found = [ref for item in spec.children("routes", MOST_ROUTES) if (ref := _route(item.only(*ROUTE), namespace))]
    if spec.value.get("routes") == []:
        spec.problem("routes", "must not be empty")
    if twice := next((ref for index, ref in enumerate(found) if ref in found[:index]), None):
        spec.problem("routes", f"names {twice} twice")
    return tuple(found) or (Ref(VIRTUAL_SERVICE, namespace, ""),)


def _route(item: Fields, namespace: str) -> Ref | None:
    kind, name = item.text("kind"), item.name("name")
    if kind and kind not in ROUTE_KINDS:
        item.problem("kind", f"must be {', '.join(ROUTE_KINDS)}, not {shown(kind)}")
    return Ref(ROUTE_KINDS[kind], namespace, name) if name and kind in ROUTE_KINDS else None


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


def _only_analysis(problems: list[str]) -> bool:
    return all(problem.startswith("spec.canaryAnalysis") for problem in problems)
