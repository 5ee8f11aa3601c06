"""The gates of a pass, each one question: it says what it saw, or raises GateError with what is in the way.

Duty: section "One pass" of the contract, gates 1 to 9 in its order. What follows from a gate is in `decide`. Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconcile.core import analysis, health, messages
from reconcile.core.observation import Case, GateError, WaitError
from reconcile.core.state_machine import CONCLUDING, Standing
from reconcile.model.fields import shown
from reconcile.model.plan import Question
from reconcile.model.rollout import Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from reconcile.model.objects import Deployment, Service
    from reconcile.model.plan import Answer, Measurement

# Istio takes the protocol from the name of a port: the protocol, or the protocol and a suffix after a dash.
HTTP_PORT = re.compile(r"(http|https|http2|grpc|grpc-web)(-.*)?")
# Of the control-loop interval: a CronJob's Jobs start early or late, and a second tick must not be lost for it.
ENOUGH = 0.75


def rollout(case: Case) -> str:
    """1. The Rollout is valid, not being deleted, and the only one, or the oldest, on its route."""
    problems = [*case.rollout.problems, *unknown_metrics(case)]
    if problems:
        raise GateError("; ".join(problems))
    if case.rollout.deleted:
        raise GateError(f"{case.rollout.ref} is being deleted")
    if reason := claimed(case):
        raise GateError(reason)
    return "valid"


def claimed(case: Case) -> str | None:
    """Say which Rollout has the route already; None if none has."""
    rival = case.observation.rival
    return None if rival is None else f"{case.rollout.route} is already claimed by the older {rival}"


def unknown_metrics(case: Case) -> list[str]:
    """List the metrics that no template describes, with their paths."""
    known = case.settings.metrics
    return [
        f"spec.canaryAnalysis.metrics[{index}].name: {shown(check.name)} is no metric template "
        f"(known: {', '.join(sorted(known)) or 'none'})"
        for index, check in enumerate(case.rollout.spec.checks if case.rollout.spec else ())
        if check.name not in known
    ]


def deployments(case: Case) -> str:
    """2. Primary and canary exist. At rest only the canary is looked at: nothing that the primary does matters."""
    revision = case.revision
    if case.observation.surroundings is not None:
        _ = case.primary
    return f"{case.canary_name} has {revision}"


def services(case: Case) -> str:
    """3. Both Services exist, lead to pods, and have a port that Istio takes for HTTP; and they can tell pods apart."""
    for service in (case.primary_service, case.canary_service):
        if reason := unexposed(service):
            raise GateError(reason)
    if case.canary_service.selects(case.primary.labels):
        raise GateError(selects_both(case.canary_service, case.primary))
    return f"{case.spec.primary_host} and {case.spec.canary_host} expose HTTP"


def unexposed(service: Service) -> str | None:
    """Say why Istio takes a Service for none that serves HTTP; None if it does."""
    if service.external:
        return f"{service.ref} is of type ExternalName"
    if not any(HTTP_PORT.fullmatch(name) for name in service.ports):
        return f"{service.ref} has no port named http or https, but {_ports(service)}"
    return None


def selects_both(service: Service, other: Deployment) -> str:
    """Say that a Service leads to pods that are not its own."""
    return f"{service.ref} selects the pods of {other.full_name} as well"


def routes(case: Case) -> str:
    """4. The route splits the traffic between the two."""
    split = case.split
    spread = f" to {split.highest}" if split.highest != split.lowest else ""
    return f"{case.rollout.route} gives {split.lowest}{spread} % to {case.spec.canary_host}"


def template(case: Case) -> str:
    """Once promoted, the primary still carries what was copied."""
    if case.overwritten_by is not None:
        raise GateError(messages.overwritten(case.primary.full_name, case.overwritten_by))
    if case.standing is Standing.SAME:
        return f"{case.primary.full_name} carries {case.revision}"
    return f"{case.canary.full_name} moved on; {case.primary.full_name} is finished first"


def primary(case: Case) -> str:
    """5. The primary is healthy. After the copy, what is left of its rolling update has words of its own (M6)."""
    deployment = case.primary
    reason = health.unhealthy(deployment)
    if reason is None:
        return _available(deployment)
    text = f"{deployment.ref} {reason}"
    available, updated = health.updated_and_available(deployment)
    if case.state.phase in CONCLUDING and reason == health.unfinished(deployment) and available < updated:
        text = messages.waiting(deployment.full_name, available, updated)
        raise GateError(text, event=text)
    raise GateError(text)


def canary(case: Case) -> str:
    """5. The canary is healthy."""
    reason = health.unhealthy(case.canary)
    if reason is not None:
        raise GateError(f"{case.canary.ref} {reason}")
    return _available(case.canary)


def scaling(case: Case) -> str:
    """6. The canary is not being scaled."""
    reason = health.scaling(case.canary, case.autoscalers)
    if reason is not None:
        raise GateError(f"{case.canary.ref} {reason}")
    return f"{case.canary.full_name} rests at {case.canary.wanted}"


def size(case: Case) -> str:
    """Before a parked canary is scaled up: what size it gets."""
    return f"{case.canary.full_name} gets {parked_size(case)} replicas"


def parked_size(case: Case) -> int:
    """Give the size that the canary had, else what its autoscaler starts at, else the primary's, else 1."""
    if case.state.canary_replicas:
        return case.state.canary_replicas
    sizes = [*(item.least for item in case.autoscalers), case.primary.wanted]
    return next((size for size in sizes if size), 1)


def interval(case: Case) -> str:
    """7. The control-loop interval has passed since the weight moved, or since the primary's template was written."""
    state = case.state
    since = [case.weighted_at, state.last_transition if state.phase is Phase.PROMOTING else None]
    return _elapsed(max((time for time in since if time is not None), default=None), case)


def _elapsed(since: datetime | None, case: Case) -> str:
    if since is None:
        return "nothing moved before"
    elapsed = (case.now - since).total_seconds()
    least = case.settings.interval * ENOUGH
    if elapsed < least:
        raise WaitError(f"{least - elapsed:.0f}s of the control-loop interval left")
    return f"{elapsed:.0f}s since the last move"


def questions(case: Case) -> tuple[Question, ...]:
    """Give what the analysis has to ask."""
    return asked(case, case.split.lowest)


def asked(case: Case, weight: int) -> tuple[Question, ...]:
    """Give what an analysis asks while the canary has this weight, in percent."""
    return tuple(
        Question(
            rollout=case.rollout.ref,
            metric=check.name,
            workload=case.spec.canary,
            interval=check.interval,
            weight=weight,
        )
        for check in case.spec.checks
    )


def measurements(case: Case, answers: Mapping[Question, Answer]) -> tuple[Measurement, ...]:
    """9. Hold every answer against its threshold; one that is missing is a failure."""
    return tuple(
        analysis.judge(check, case.settings.metrics[check.name], answers.get(question, analysis.UNANSWERED), case.now)
        for check, question in zip(case.spec.checks, questions(case), strict=True)
    )


def verdict(case: Case, measured: tuple[Measurement, ...]) -> str:
    """9. Every metric passed. The Event names the first that did not, the reason all of them."""
    failed = [measurement.text for measurement in measured if not measurement.passed]
    if failed:
        raise GateError("; ".join(failed), event=messages.halt(case.rollout.full_name, failed[0]))
    return "; ".join(measurement.text for measurement in measured) or "no metric is asked for"


def _available(deployment: Deployment) -> str:
    return f"{deployment.full_name} has {deployment.available} of {deployment.wanted} replicas available"


def _ports(service: Service) -> str:
    return ", ".join(name or "one without a name" for name in service.ports) or "none at all"


BY_NAME: dict[str, Callable[[Case], str]] = {
    "rollout": rollout,
    "deployments": deployments,
    "services": services,
    "routes": routes,
    "template": template,
    "primary": primary,
    "canary": canary,
    "scaling": scaling,
    "size": size,
    "interval": interval,
}
