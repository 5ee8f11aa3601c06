"""The two Services: their ports, and whether each selects its own pods and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.core import gates, messages
from reconcile.core.stops import GateError
from reconcile.model.kinds import DEPLOYMENT, SERVICE
from reconcile.preflight.findings import Finding, Level
from reconcile.preflight.unreadable import need_hosts, unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.model.objects import Deployment
    from reconcile.model.service import Service
    from reconcile.preflight.findings import Subject

_HTTP_PORT = (
    "name the port http, https, http2 or grpc, or one of these with a suffix (http-api): Istio goes by the name"
)

_HEADLESS = {
    "message": "is headless: sidecars send a request to the pod that the client chose, whatever the weights say",
    "advice": "take clusterIP: None out (a new Service; the field cannot be changed), or route at a gateway alone",
}
_REACH = {
    SERVICE.name: "let the Service lead to a port of the canary's containers, by number or by the name it has there",
    DEPLOYMENT.name: "let it keep a pod: RollingUpdate with maxUnavailable below its replicas; or let maxWeight be 100",
}
_SUBSET = "define the subset in the namespace of the Rollout, with labels that these pods have"


def services(subject: Subject) -> Iterator[Finding]:
    """Yields Services that cannot be used, have no HTTP port, or select the wrong pods."""
    rollout, objects, advice = subject.case.rollout, subject.case.objects, "create it, or correct spec.{}.host"
    yield from unreadable(rollout.primary_service, lambda: objects.primary_service, advice.format("primary"))
    yield from unreadable(rollout.canary_service, lambda: objects.canary_service, advice.format("canary"))
    for service in _readable(subject):
        if reason := gates.unusable(service, needs_http=subject.case.weights.needs_http):
            path, advice = ("spec.type", "") if service.external else ("spec.ports", _HTTP_PORT)
            yield Finding(level=Level.ERROR, object=str(service.ref), path=path, message=reason, advice=advice)
        if service.headless:
            yield Finding(level=Level.WARNING, object=str(service.ref), path="spec.clusterIP", **_HEADLESS)
    need_hosts(subject)
    primary, canary = objects.primary, objects.canary
    yield from _selector(objects.primary_service, primary, canary)
    yield from _selector(objects.canary_service, canary, primary)


def reach(subject: Subject) -> Iterator[Finding]:
    """Yields a Service that would not lead to its pods, now or after a promotion, but for what `services` yields."""
    need_hosts(subject)
    found = subject.case.objects
    pairs = ((found.primary_service, found.primary), (found.canary_service, found.canary))
    needs_http = subject.case.weights.needs_http
    if any(
        gates.unusable(service, needs_http=needs_http) or not service.selects(own.labels)
        for service, own in pairs
        if service.selector
    ):
        raise GateError("the Services are to be corrected first")
    if reason := gates.unreached(subject.case):
        what = reason.partition(" (")[0]
        advice = _REACH.get(what.partition(" ")[0], _SUBSET)
        yield Finding(level=Level.ERROR, object=what, message=reason, advice=advice)


def _readable(subject: Subject) -> Iterator[Service]:
    for name in ("primary_service", "canary_service"):
        try:
            yield getattr(subject.case.objects, name)
        except GateError:
            continue


def _selector(service: Service, own: Deployment, other: Deployment) -> Iterator[Finding]:
    """Yields what is wrong with a selector: it has to select the pods of `own` and none of `other`."""
    what = {"object": str(service.ref), "path": "spec.selector"}
    if not service.selector:
        if not service.external:
            message = f"{service.ref} has no selector: which pods it leads to cannot be told"
            yield Finding(level=Level.WARNING, message=message, **what)
        return
    if not service.selects(own.labels):
        message = f"{service.ref} does not select the pods of {own.full_name}"
        advice = "let it select labels of that Deployment's template"
        yield Finding(level=Level.ERROR, message=message, advice=advice, **what)
    if own.ref != other.ref and service.selects(other.labels):
        message = messages.selects_both(service.ref, other.full_name)
        advice = "narrow it: a share of the traffic would reach the wrong pods, whatever the weights say"
        yield Finding(level=Level.ERROR, message=message, advice=advice, **what)
