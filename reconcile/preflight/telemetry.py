"""Whether a metric sees what the mesh reports about the canary: failed gRPC calls, and the requests in ambient mode."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconcile.core.routers.split import UsedPort
from reconcile.core.stops import StopError
from reconcile.preflight.findings import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconcile.model.measurement import Metric
    from reconcile.model.service import Service, ServicePort
    from reconcile.preflight.findings import Subject

MODE, WAYPOINT, INJECT = "istio.io/dataplane-mode", "istio.io/use-waypoint", "sidecar.istio.io/inject"

_SIDECAR_REPORTS = re.compile(r"reporter\s*=~?\s*[\"']destination[\"']")


def telemetry(subject: Subject) -> Iterator[Finding]:
    """Yields each metric that sees HTTP codes only, beside a gRPC port, or waits for sidecars in ambient mode."""
    if not subject.case.spec.checks:
        return
    service = _service(subject)
    port = _grpc_port(subject, service) if service else None
    label = _ambient_label(subject, service)
    for index, check in enumerate(subject.case.spec.checks):
        metric = subject.case.metric(check)
        for message, advice in _blind(subject, metric, port, label) if metric else ():
            path = f"spec.canaryAnalysis.metrics[{index}].name"
            ref = str(subject.case.rollout.ref)
            yield Finding(level=Level.WARNING, object=ref, path=path, message=message, advice=advice)


def _blind(subject: Subject, metric: Metric, port: ServicePort | None, label: str) -> Iterator[tuple[str, str]]:
    """Yields what a metric does not see, each with the advice."""
    known = subject.case.settings.metrics
    if port is not None and "response_code" in metric.query and "grpc_response_status" not in metric.query:
        service = subject.case.rollout.canary_service
        message = f"sees HTTP codes only, and a gRPC call that fails has the code 200: port {port} of {service} is gRPC"
        base, waypoint, _ = metric.name.partition("_waypoint")
        yield message, _write(f"{base}_grpc{waypoint}", known, _other_grpc_metric(metric))
    if label and _SIDECAR_REPORTS.search(metric.query):
        message = f'asks for reporter="destination", which sidecars report: {label}, where the waypoint reports'
        name = f"{metric.name.replace('_seconds_', '_milliseconds_')}_waypoint"
        yield message, _write(name, known, 'ask for reporter="waypoint" in a template of your own')


def _other_grpc_metric(metric: Metric) -> str:
    if "envoy_response_code" in metric.query:
        return "write one that counts gRPC statuses: Envoy tells them in other series, Istio and Linkerd by a label"
    return "count grpc_response_status as a failure too"


def _write(name: str, known: Mapping[str, Metric], otherwise: str) -> str:
    return f"write {name}" if name in known else otherwise


def _service(subject: Subject) -> Service | None:
    """Returns the canary's Service; None where it cannot be used, which has a finding of its own."""
    try:
        return subject.case.objects.canary_service
    except StopError:
        return None


def _grpc_port(subject: Subject, service: Service) -> ServicePort | None:
    """Returns a port of the managed routes that is gRPC. Without a route that can be used, the first HTTP port."""
    try:
        numbers = subject.case.weights.split.canary_ports
    except StopError:
        numbers = frozenset({UsedPort(None, is_http=True)})
    ports = [service.used_by(used.number, needs_http=used.is_http) for used in sorted(numbers, key=str)]
    return next((port for port in ports if port is not None and port.is_grpc), None)


def _ambient_label(subject: Subject, service: Service | None) -> str:
    """Returns the object and the label that put the canary into ambient mode; "" where none does."""
    pod = subject.case.objects.canary.labels
    if pod.get(MODE) == "none" or str(pod.get(INJECT)) == "true":
        return ""
    places = [
        (f"Namespace {subject.case.rollout.ref.namespace}", subject.namespace_labels),
        (f"{subject.case.rollout.canary} (spec.template)", pod),
        (str(service.ref) if service else "", service.labels if service else {}),
    ]
    return next((f"{place} has {label}" for place, labels in places for label in _ambient(labels)), "")


def _ambient(labels: Mapping[str, object]) -> Iterator[str]:
    """Yields the labels that mean ambient mode."""
    if labels.get(MODE) == "ambient":
        yield f"{MODE}: ambient"
    if labels.get(WAYPOINT) not in (None, "", "none"):
        yield f"{WAYPOINT}: {labels[WAYPOINT]}"
