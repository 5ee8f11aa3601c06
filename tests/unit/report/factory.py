"""Plans for the tests of the reports: each as one pass would make it, every part replaceable."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console

from reconcile.model.kinds import DEPLOYMENT, ROLLOUT, VIRTUAL_SERVICE, Kind, Ref
from reconcile.model.measurement import Measurement
from reconcile.model.plan import Event, Gate, Operation, Outcome, Patch, Plan, Position, Record, Result
from reconcile.report.console import console_for
from reconcile.report.terminal import Terminal
from reconcile.report.text import print_records

NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
GATES = ("rollout", "deployments", "services", "routes", "primary", "canary", "scaling", "interval", "analysis")


def ref(name: str = "podinfo", namespace: str = "test", kind: Kind = ROLLOUT) -> Ref:
    return Ref(kind, namespace, name)


def patch(kind: Kind, *operations: Operation, name: str = "podinfo", subresource: str = "") -> Patch:
    return Patch(
        target=ref(name, kind=kind),
        api_version=kind.api_version(kind.versions[0]),
        operations=operations,
        subresource=subresource,
    )


def test_of(path: str, value: Any) -> Operation:
    return {"op": "test", "path": path, "value": value}


def add_of(path: str, value: Any) -> Operation:
    return {"op": "add", "path": path, "value": value}


def status_patch(**status: Any) -> Patch:
    return patch(ROLLOUT, test_of("/metadata/resourceVersion", "4711"), add_of("/status", status), subresource="status")


def route_patch(before: int, after: int, name: str = "podinfo", routes: int = 1) -> Patch:
    operations = []
    for index in range(routes):
        ends = [(f"/spec/http/{index}/route/0", "podinfo"), (f"/spec/http/{index}/route/1", "podinfo-canary")]
        for (path, host), weight in zip(ends, (100 - before, before), strict=True):
            operations += [test_of(f"{path}/destination/host", host), test_of(f"{path}/weight", weight)]
        for (path, _), weight in zip(ends, (100 - after, after), strict=True):
            operations.append(add_of(f"{path}/weight", weight))
    return patch(VIRTUAL_SERVICE, *operations, name=name)


def template_patch() -> Patch:
    template = {"spec": {"containers": [{"name": "app"}]}}
    return patch(DEPLOYMENT, test_of("/spec/template", {}), add_of("/spec/template", template))


def event(message: str, kind: str = "Normal") -> Event:
    return Event(
        rollout=ref(), api_version="apps.weave.works/v1beta1", uid=None, revision="v1-1", type=kind, message=message
    )


def gates(**reasons: str) -> tuple[Gate, ...]:
    """Give all gates: those before the last named one passed unless the reason starts with `!` (failed) or `~`."""
    outcomes = {"!": Outcome.FAILED, "~": Outcome.WAITING}
    made, reached = [], True
    for name in GATES:
        reason = reasons.get(name, "")
        outcome = outcomes.get(reason[:1], Outcome.PASSED) if reached else Outcome.UNREACHED
        reached = reached and outcome is Outcome.PASSED
        made.append(Gate(name=name, outcome=outcome, reason=reason.lstrip("!~")))
    return tuple(made)


def success_rate(value: float | None = 99.97, verdict: str = "passed", text: str = "") -> Measurement:
    return Measurement(
        metric="istio_requests_total",
        query='sum(rate(istio_requests_total{\n  reporter="destination"\n}[1m]))',
        value=value,
        threshold=99.0,
        bound="minimum",
        verdict=verdict,
        text=text or "success rate 99.97% >= 99%",
        at=NOW,
    )


def latency(value: float | None = 128.0, verdict: str = "passed", text: str = "") -> Measurement:
    return Measurement(
        metric="istio_request_duration_seconds_bucket",
        query="histogram_quantile(0.99, sum(irate(istio_request_duration_seconds_bucket[1m])) by (le))",
        value=value,
        threshold=500.0,
        bound="maximum",
        verdict=verdict,
        text=text or "request duration 128ms <= 500ms",
        at=NOW,
    )


def plan(**fields: Any) -> Plan:
    standing = Position(phase="Succeeded", weight=0)
    defaults: dict[str, Any] = {
        "rollout": ref(),
        "move": "idle",
        "reason": "podinfo.test runs revision v1-5f3c of podinfo-canary.test",
        "before": standing,
        "after": standing,
    }
    return Plan(**(defaults | fields))


def record(made: Plan | None = None, result: Result = Result.APPLIED, error: str = "") -> Record:
    return Record(plan=made or plan(), at=NOW, result=result, error=error)


def advancing(**fields: Any) -> Plan:
    defaults = {
        "move": "advance",
        "reason": "every gate and both metrics passed at weight 40",
        "before": Position(phase="Progressing", weight=40),
        "after": Position(phase="Progressing", weight=50),
        "gates": gates(
            rollout="valid, and the only one on VirtualService podinfo.test",
            deployments="revision v1-9d0b of podinfo-canary.test is under way",
            services="podinfo.test and podinfo-canary.test expose port http",
            routes="1 route splits podinfo and podinfo-canary 60/40",
            primary="podinfo.test: 2 of 2 replicas updated and available",
            canary="podinfo-canary.test: 2 of 2 replicas updated and available",
            scaling="podinfo-canary.test is not being scaled",
            interval="75s since the last advance, 45s are enough",
            analysis="2 of 2 metrics passed",
        ),
        "measurements": (success_rate(), latency()),
        "patches": (status_patch(phase="Progressing", canaryWeight=50), route_patch(40, 50)),
        "events": (event("Advance rollout podinfo.test weight 50"),),
    }
    return plan(**(defaults | fields))


def halting(**fields: Any) -> Plan:
    standing = Position(phase="Progressing", weight=30)
    defaults = {
        "move": "halt",
        "reason": "request duration 2.525s > 500ms",
        "before": standing,
        "after": standing,
        "gates": gates(
            rollout="valid, and the only one on VirtualService podinfo.test",
            deployments="revision v1-9d0b of podinfo-canary.test is under way",
            services="podinfo.test and podinfo-canary.test expose port http",
            routes="1 route splits podinfo and podinfo-canary 70/30",
            primary="podinfo.test: 2 of 2 replicas updated and available",
            canary="podinfo-canary.test: 2 of 2 replicas updated and available",
            scaling="podinfo-canary.test is not being scaled",
            interval="75s since the last advance, 45s are enough",
            analysis="!1 of 2 metrics failed: request duration 2.525s > 500ms",
        ),
        "measurements": (success_rate(), latency(2525.4, "failed", "request duration 2.525s > 500ms")),
        "patches": (status_patch(phase="Progressing", canaryWeight=30),),
        "events": (event("Halt rollout podinfo.test request duration 2.525s > 500ms", "Warning"),),
    }
    return plan(**(defaults | fields))


def ago(**length: int) -> str:
    """Returns the time so long before NOW, as it is stored."""
    return (NOW - timedelta(**length)).strftime("%Y-%m-%dT%H:%M:%SZ")


def stored_event(message: str, last: str, kind: str = "Normal", **fields: Any) -> dict[str, Any]:
    """Returns the manifest of an Event."""
    made = {
        "type": kind,
        "reason": "Synced",
        "message": message,
        "source": {"component": "steerer"},
        "firstTimestamp": last,
        "lastTimestamp": last,
        "count": 1,
    }
    return made | fields


STORED_EVENTS = [
    stored_event(
        "Halt rollout podinfo.test request duration 2.525s > 500ms",
        ago(seconds=45),
        "Warning",
        count=4,
        firstTimestamp=ago(minutes=3),
    ),
    stored_event("Starting rollout for podinfo.test", ago(minutes=5)),
    stored_event("Advance rollout podinfo.test weight 10", ago(minutes=5)),
]


def printed(*records: Record, width: int | None = None, brief: bool = False) -> str:
    """Returns the text report of these records, as in a pipe or in a terminal of this width."""
    stream = io.StringIO()
    console = Terminal(Console(file=stream, width=width, color_system=None)) if width else console_for(stream)
    print_records(records, console, brief=brief)
    return stream.getvalue()
