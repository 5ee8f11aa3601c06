"""What the manifests tell by themselves, in a folder or in a cluster: no status is needed, no default, no uid.

Duty: one check a question. Where a gate of a pass would halt, its own words are used; the others are of what no gate
asks: selectors, thresholds, intervals, steps. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.core import analysis, gates, health, messages, state_machine
from reconcile.core.stops import GateError
from reconcile.model import durations
from reconcile.model.errors import InvalidObjectError
from reconcile.model.kinds import DEPLOYMENT, ROLLOUT, Ref
from reconcile.model.plan import Failure
from reconcile.preflight.findings import Check, Finding, Level, Look

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconcile.core.case import Case
    from reconcile.model.objects import Deployment, Service
    from reconcile.model.plan import Metric, Question

ERROR, WARNING, INFO = Level.ERROR, Level.WARNING, Level.INFO

# A rate needs two samples in its window; fifteen seconds are the shortest usual time between two scrapes.
LEAST_INTERVAL = 30.0
# After the first weight: the analysis at each, with the promotion in the last; the routing back; the scaling down.
PASSES_BESIDE_WEIGHTS = 3
# The weights of a release that are written out.
MOST_SHOWN = 12
# What the mesh looks at before it puts its proxy beside the containers of a pod.
INJECT = "sidecar.istio.io/inject"

_HTTP_PORT = (
    "name the port http, https, http2 or grpc, or one of these with a suffix (http-api): Istio goes by the name"
)
_ONE_ROUTE = "put both hosts, and no third, into one route of spec.http, with weights that add up to 100"
_STOPPED = {
    "is paused": ("spec.paused", "resume it: kubectl -n {0.namespace} rollout resume deployment/{0.name}"),
    "is scaled to 0 replicas": ("spec.replicas", "scale it up: nothing is released beside a primary without pods"),
    "exceeded its progress deadline": (
        "status.conditions",
        "see why its pods do not become ready: kubectl -n {0.namespace} describe pods",
    ),
}
# No number is no fault of the metric before there is traffic; every other failure is one of the query or the server.
_EXPECTED = {Failure.NO_DATA.value, Failure.NOT_A_NUMBER.value, "failed"}


def told(level: Level, ref: Ref, problem: str, advice: str = "") -> Finding:
    """Make a finding of `field.path: what is wrong`."""
    path, _, message = problem.partition(": ")
    return Finding(level=level, object=str(ref), path=path, message=message, advice=advice)


def unreadable(look: Look, view: Callable[[Case], object], ref: Ref, advice: str) -> Iterator[Finding]:
    """Tell why an object cannot be looked at; one that the Rollout does not name is the Rollout's own problem."""
    if not ref.name:
        return
    try:
        view(look.case)
    except GateError as error:
        if isinstance(error.__cause__, InvalidObjectError):
            yield from (told(ERROR, ref, problem) for problem in error.__cause__.problems)
            return
        # Who may not read it is told so by the error itself.
        missing = error.reason == f"{ref} is missing"
        yield Finding(level=ERROR, object=str(ref), message=error.reason, advice=advice if missing else "")


def questions(look: Look) -> tuple[Question, ...]:
    """Give what an analysis would ask, as far as the metrics are known."""
    known = look.case.settings.metrics
    return tuple(item for item in analysis.questions(look.case, 0) if item.metric in known and item.workload)


def _rollout(look: Look) -> Iterator[Finding]:
    rollout = look.case.rollout
    served = {ROLLOUT.api_version(version) for version in ROLLOUT.versions}
    if rollout.api_version not in served:
        message = f'must be {" or ".join(sorted(served))}, not "{rollout.api_version}"'
        yield Finding(level=ERROR, object=str(rollout.ref), path="apiVersion", message=message)
    yield from (told(ERROR, rollout.ref, problem) for problem in rollout.problems)
    known = {problem.partition(": ")[0] for problem in rollout.problems}
    for problem in gates.unknown_metrics(look.case):
        if problem.partition(": ")[0] not in known:
            yield told(ERROR, rollout.ref, problem, "correct the name, or name the folder of its template: --templates")
    if rollout.deleted:
        yield Finding(level=ERROR, object=str(rollout.ref), message=f"{rollout.ref} is being deleted")


def _rivals(look: Look) -> Iterator[Finding]:
    case, mine = look.case, look.case.rollout
    if reason := gates.claimed_by_other(case):
        yield Finding(level=ERROR, object=str(mine.ref), message=reason, advice="delete one of the two")
    for other in look.others:
        if other.ref == mine.ref or other.ref.namespace != mine.ref.namespace:
            continue
        for name in {case.spec.primary, case.spec.canary} & {other.draft.primary, other.draft.canary} - {""}:
            ref = Ref(DEPLOYMENT, mine.ref.namespace, name)
            message = f"{ref} is a Deployment of {other.ref} as well"
            yield Finding(level=ERROR, object=str(ref), message=message, advice="delete one of the two Rollouts")


def _deployments(look: Look) -> Iterator[Finding]:
    rollout = look.case.rollout
    yield from unreadable(
        look, lambda case: case.objects.primary, rollout.primary, "create it, or correct spec.primary.name"
    )
    yield from unreadable(
        look, lambda case: case.objects.canary, rollout.canary, "create it, or correct spec.canary.name"
    )
    for deployment in _seen(look):
        if not deployment.selects(deployment.labels):
            message = f"{deployment.ref} does not select the pods of its own template"
            yield Finding(level=ERROR, object=str(deployment.ref), path="spec.selector", message=message)
    primary, canary = look.case.objects.primary, look.case.objects.canary
    for one, other in ((primary, canary), (canary, primary)):
        if one.ref != other.ref and one.selects(other.labels):
            message = f"{one.ref} selects the pods of {other.full_name} as well"
            advice = "give each its own value of a label that its selector asks for; a selector cannot be changed later"
            yield Finding(level=ERROR, object=str(one.ref), path="spec.selector", message=message, advice=advice)


def _seen(look: Look) -> Iterator[Deployment]:
    """Give the Deployments that can be looked at."""
    for view in ("primary", "canary"):
        try:
            yield getattr(look.case.objects, view)
        except GateError:
            continue


def _found(look: Look) -> str:
    return f"{look.case.objects.primary.full_name}, {look.case.objects.canary.full_name}"


def stopped(deployment: Deployment, *ignored: str) -> Iterator[Finding]:
    """Tell what keeps a Deployment from being rolled out until somebody changes it."""
    for reason in health.stopped(deployment):
        if reason not in ignored:
            path, advice = _STOPPED[reason]
            yield Finding(
                level=ERROR,
                object=str(deployment.ref),
                path=path,
                message=f"{deployment.ref} {reason}",
                advice=advice.format(deployment.ref),
            )


def _primary(look: Look) -> Iterator[Finding]:
    yield from stopped(look.case.objects.primary)


def _canary(look: Look) -> Iterator[Finding]:
    # A canary at 0 replicas waits for its next version.
    yield from stopped(look.case.objects.canary, "is scaled to 0 replicas")


def _services(look: Look) -> Iterator[Finding]:
    rollout = look.case.rollout
    for side, service_of, service_ref in (
        ("primary", lambda case: case.objects.primary_service, rollout.primary_service),
        ("canary", lambda case: case.objects.canary_service, rollout.canary_service),
    ):
        yield from unreadable(look, service_of, service_ref, f"create it, or correct spec.{side}.host")
    for view in ("primary_service", "canary_service"):
        try:
            service: Service = getattr(look.case.objects, view)
        except GateError:
            continue
        if reason := gates.not_http(service):
            path, advice = ("spec.type", "") if service.external else ("spec.ports", _HTTP_PORT)
            yield Finding(level=ERROR, object=str(service.ref), path=path, message=reason, advice=advice)
    primary, canary = look.case.objects.primary, look.case.objects.canary
    yield from _selected(look.case.objects.primary_service, primary, canary)
    yield from _selected(look.case.objects.canary_service, canary, primary)


def _selected(service: Service, own: Deployment, other: Deployment) -> Iterator[Finding]:
    """Hold a Service's selector against the pods that it is there for, and against the others."""
    what = {"object": str(service.ref), "path": "spec.selector"}
    if not service.selector:
        if not service.external:
            message = f"{service.ref} has no selector: which pods it leads to cannot be told"
            yield Finding(level=WARNING, message=message, **what)
        return
    if not service.selects(own.labels):
        message = f"{service.ref} does not select the pods of {own.full_name}"
        yield Finding(level=ERROR, message=message, advice="let it select labels of that Deployment's template", **what)
    if own.ref != other.ref and service.selects(other.labels):
        advice = "narrow it: a share of the traffic would reach the wrong pods, whatever the weights say"
        yield Finding(level=ERROR, message=messages.selects_both(service.ref, other.full_name), advice=advice, **what)


def _routes(look: Look) -> Iterator[Finding]:
    case, ref = look.case, look.case.rollout.route
    yield from unreadable(look, lambda case: case.weights.split, ref, _ONE_ROUTE if ref.name else "")
    split = case.weights.split
    what = {"object": str(ref), "path": "spec.http"}
    if split.lowest != split.highest:
        message = f"its managed routes give the canary from {split.lowest} to {split.highest} %; all move together"
        yield Finding(level=WARNING, message=message, advice="give all of them the same weights", **what)
    elif split.operations(split.lowest):
        message = f"the weights do not add up to 100: they are counted from the canary's, {split.lowest}"
        yield Finding(level=WARNING, message=message, advice="write weights that add up to 100", **what)
    if split.highest and not case.state.phase:
        message = f"gives {split.highest} % to {case.spec.canary_host} already: the first pass goes on from there"
        yield Finding(level=WARNING, message=message, advice="write 100 and 0, if that is not meant", **what)


def _autoscalers(look: Look) -> Iterator[Finding]:
    rollout = look.case.rollout
    try:
        _ = look.case.objects.autoscalers_of(rollout.canary)
    except GateError as error:
        yield Finding(level=ERROR, object=str(rollout.ref), message=error.reason)
        return
    for ref in (rollout.primary, rollout.canary):
        found = look.case.objects.autoscalers_of(ref) if ref.name else ()
        for item in found:
            name = f"HorizontalPodAutoscaler {item.name}.{ref.namespace}"
            if item.least == 0:
                message = f"{name} may scale {ref} to 0 replicas, which halts a release"
                advice = "let it keep one replica at least"
                yield Finding(level=WARNING, object=name, path="spec.minReplicas", message=message, advice=advice)
        if len(found) > 1:
            names = ", ".join(item.name for item in found)
            message = f"{ref} is the target of several HorizontalPodAutoscalers ({names}): Kubernetes then follows none"
            yield Finding(level=WARNING, object=str(ref), message=message, advice="delete all but one")


def _autoscaled(look: Look) -> str:
    scaled = [
        f"{item.name} scales {ref.name}"
        for ref in (look.case.rollout.primary, look.case.rollout.canary)
        for item in look.case.objects.autoscalers_of(ref)
    ]
    return ", ".join(scaled) or "none"


def _metrics(look: Look) -> Iterator[Finding]:
    ref = look.case.rollout.ref
    for index, check in enumerate(look.case.spec.checks):
        path = f"spec.canaryAnalysis.metrics[{index}]"
        metric = look.case.settings.metrics.get(check.name)
        if metric is not None:
            yield from (
                Finding(level=level, object=str(ref), path=f"{path}.threshold", message=message)
                for level, message in _threshold(check.threshold, metric)
            )
        seconds = durations.seconds(check.interval) or 0.0
        if seconds < LEAST_INTERVAL:
            message = f"{check.interval} holds less than two samples where Prometheus scrapes every 15s or less often"
            advice = "write four times the scrape interval, such as 1m"
            yield Finding(level=WARNING, object=str(ref), path=f"{path}.interval", message=message, advice=advice)
    if look.case.spec.checks and _without_proxy(look.case.objects.canary):
        message = f'has {INJECT}: "false": without a proxy nobody reports its requests'
        canary = look.case.rollout.canary
        yield Finding(level=WARNING, object=str(canary), path="spec.template.metadata", message=message)


def _threshold(threshold: float, metric: Metric) -> Iterator[tuple[Level, str]]:
    """Tell a threshold that can never pass, or that was meant in another unit."""
    most = 100.0
    if metric.bound == "minimum" and metric.unit == "percent" and threshold > most:
        yield ERROR, f"{threshold:g} % can never be reached"
    if metric.bound == "minimum" and metric.unit == "percent" and 0 < threshold <= 1:
        yield WARNING, f"is {threshold:g} percent: if {threshold * 100:g} percent are meant, write {threshold * 100:g}"
    if metric.bound == "maximum" and metric.unit in {"percent", "milliseconds"} and threshold < 0:
        yield ERROR, f"{threshold:g} {metric.unit}: nothing is that little"
    if metric.bound == "maximum" and metric.unit == "milliseconds" and 0 < threshold < 1:
        yield WARNING, f"is {threshold:g} milliseconds: if seconds are meant, write {threshold * 1000:g}"


def _without_proxy(deployment: Deployment) -> bool:
    metadata = deployment.template.get("metadata") or {}
    return any(str((metadata.get(part) or {}).get(INJECT)) == "false" for part in ("labels", "annotations"))


def _measured(look: Look) -> str:
    titles = [check.name for check in look.case.spec.checks]
    return ", ".join(titles) or "none: health alone decides"


def _queries(look: Look) -> Iterator[Finding]:
    """Tell what became of a query of each metric; a server that cannot be asked is told once."""
    case = look.case
    unreachable: set[str] = set()
    for question in questions(look):
        answer = look.answers.get(question)
        if answer is None:
            continue
        index = next(i for i, item in enumerate(case.spec.checks) if item.name == question.metric)
        if answer.failure is Failure.UNREACHABLE:
            if answer.detail not in unreachable:
                unreachable.add(answer.detail)
                yield Finding(level=ERROR, object="metrics server", message=answer.detail)
            continue
        measured = analysis.judge(case.spec.checks[index], case.settings.metrics[question.metric], answer, case.now)
        if not measured.passed:
            yield Finding(
                level=WARNING if measured.verdict in _EXPECTED else ERROR,
                object=str(case.rollout.ref),
                path=f"spec.canaryAnalysis.metrics[{index}]",
                message=measured.text,
                advice=f"query: {' '.join(answer.query.split())}" if answer.query else "",
            )


def _answered(look: Look) -> str:
    case = look.case
    judged = [
        analysis.judge(check, case.settings.metrics[check.name], look.answers[question], case.now).text
        for question, check in zip(analysis.questions(case, 0), case.spec.checks, strict=True)
        if question in look.answers
    ]
    return "; ".join(judged) or ("can be rendered" if case.spec.checks else "none")


def _steps(look: Look) -> Iterator[Finding]:
    case, path = look.case, "spec.canaryAnalysis"
    if any(problem.startswith(path) and "Weight" in problem for problem in case.rollout.problems):
        raise GateError("the weights are to be corrected first")
    step, most = case.spec.step_weight, case.spec.max_weight
    if step > most:
        message = f"{step} is larger than the maxWeight of {most}: there is one step, to {most}"
        yield Finding(level=WARNING, object=str(case.rollout.ref), path=f"{path}.stepWeight", message=message)
    weights = state_machine.weights(step, most)
    passes = len(weights) + PASSES_BESIDE_WEIGHTS
    least = durations.text((passes - 1) * case.settings.interval)
    shown = ", ".join(map(str, weights if len(weights) <= MOST_SHOWN else [*weights[:3], "…", weights[-1]]))
    message = f"{shown} %: {passes} passes at least, {least} at a control-loop interval of "
    message += durations.text(case.settings.interval)
    yield Finding(level=INFO, object=str(case.rollout.ref), path=path, message=message)


def _stated(look: Look) -> Iterator[Finding]:
    """Tell sizes that a manifest states beside somebody who moves them."""
    case = look.case
    for deployment in _seen(look):
        scalers = [f"HorizontalPodAutoscaler {item.name}" for item in case.objects.autoscalers_of(deployment.ref)]
        movers = [*scalers, *(["steerer"] if deployment.ref == case.rollout.canary else [])]
        if deployment.replicas_written and movers:
            message = f"states {deployment.wanted} replicas, which {' and '.join(movers)} set as well"
            advice = "leave it out where a GitOps tool applies it, or let the tool ignore it"
            what = {"object": str(deployment.ref), "path": "spec.replicas"}
            yield Finding(level=INFO, message=message, advice=advice, **what)


CHECKS = (
    Check("rollout", _rollout, lambda _: "valid"),
    Check("rivals", _rivals, lambda _: "no other Rollout has its route or its Deployments"),
    Check("deployments", _deployments, _found),
    Check("services", _services, lambda look: gates.services(look.case)),
    Check("routes", _routes, lambda look: gates.routes(look.case)),
    Check("autoscalers", _autoscalers, _autoscaled),
    Check("metrics", _metrics, _measured),
    Check("queries", _queries, _answered),
    Check("steps", _steps, lambda _: ""),
)
"""For a folder and a cluster alike."""

OFFLINE = (
    Check("primary", _primary, lambda _: "neither paused nor without pods"),
    Check("canary", _canary, lambda _: "not paused"),
    Check("replicas", _stated, lambda look: "" if [*_stated(look)] else "none that somebody else moves as well"),
)
"""For a folder alone: a cluster fills in what a manifest leaves out, and its status tells more."""
