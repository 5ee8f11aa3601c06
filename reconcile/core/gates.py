"""The gates of a pass. Each returns what it saw, or raises GateError (WaitError) with the reason why it is shut.

They are in the order of the specification. What follows from a shut gate is in `decide`; the gate `analysis`, which
needs answers, is in `analysis`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.core import health, messages, metrics, optional_gates, routers
from reconcile.core import reach as reached
from reconcile.core.case import attempts
from reconcile.core.state_machine import CONCLUDING, SPLIT, WAY_BACK, Standing, Traffic, row
from reconcile.core.stops import GateError, HoldError, WaitError
from reconcile.model.errors import ClusterError, ForbiddenError, MissingError
from reconcile.model.field_managers import MOST_PATHS, owned_paths
from reconcile.model.kinds import ROLLOUT
from reconcile.model.rollout import Phase
from reconcile.model.template_diff import changed_paths

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconcile.core.case import Case
    from reconcile.core.routers.split import Split
    from reconcile.model.objects import Deployment
    from reconcile.model.service import Service


def rollout(case: Case) -> str:
    """1. The Rollout is valid, not being deleted, and the only one, or the oldest, on its route."""
    problems = [*unserved_version(case), *case.rollout.problems, *metrics.problems(case)]
    # The way back needs no analysis, and so no valid one.
    if problems and (case.rollout.spec is None or not _goes_back(case)):
        raise GateError("; ".join(problems))
    if case.rollout.deleted:
        raise GateError(f"{case.rollout.ref} is being deleted")
    if reason := claimed_by_other(case):
        raise GateError(reason)
    return "valid"


def _goes_back(case: Case) -> bool:
    """Returns whether all traffic is to be the primary's, or is, whatever the canary has now."""
    if case.ending is None:
        return False
    return {row(case.situation(traffic)).move for traffic in {Traffic.NONE, *SPLIT}} <= WAY_BACK


def unserved_version(case: Case) -> list[str]:
    """Returns a problem where the Rollout is of a version that this program does not know."""
    served, version = {ROLLOUT.api_version(item) for item in ROLLOUT.versions}, case.rollout.api_version
    return [] if version in served else [f'apiVersion: must be {" or ".join(sorted(served))}, not "{version}"']


def claimed_by_other(case: Case) -> str | None:
    """Returns the reason why the route or a Deployment belongs to another Rollout; None if it does not."""
    rival = case.observation.rival
    return None if rival is None else f"{rival.claimed} is already claimed by the older {rival.rollout}"


def deployments(case: Case) -> str:
    """2. Primary and canary exist. At rest only the canary is looked at: nothing that the primary does matters."""
    revision = case.record.revision
    if case.observation.surroundings is not None:
        for deployment in (case.objects.primary, case.objects.canary):
            if not deployment.selects(deployment.labels):
                raise GateError(f"{deployment.ref} does not select the pods of its own template")
    return f"{case.rollout.canary.full_name} has {revision}"


def services(case: Case) -> str:
    """3. Both Services exist, with an HTTP port where the routes need one; neither selects the other side's pods."""
    primary, canary = case.objects.primary_service, case.objects.canary_service
    for service in (primary, canary):
        if reason := unusable(service, needs_http=case.weights.needs_http):
            raise GateError(reason)
    for service, other in ((canary, case.objects.primary), (primary, case.objects.canary)):
        if service.selects(other.labels):
            raise GateError(messages.selects_both(service.ref, other.full_name))
    what = "expose HTTP" if case.weights.needs_http else "lead to their own pods"
    return f"{case.spec.primary_host} and {case.spec.canary_host} {what}"


def unusable(service: Service, *, needs_http: bool) -> str | None:
    """Returns the reason why a route cannot split traffic to a Service; None if it can."""
    if service.external:
        return f"{service.ref} is of type ExternalName"
    if needs_http and not any(port.is_http for port in service.ports):
        ports = ", ".join(map(str, service.ports))
        return f"{service.ref} has no port named http or https, but {ports or 'none at all'}"
    return None


def routes(case: Case) -> str:
    """4. The route splits the traffic between the two."""
    found = [f"{ref} gives {_share(split)} %" for ref, split in case.weights.splits.items()]
    return f"{', '.join(found)} to {case.spec.canary_host}"


def _share(split: Split) -> str:
    """Returns the canary's share in words, without its unit: `10`, or `10 to 20` where the routes differ."""
    return f"{split.lowest} to {split.highest}" if split.highest != split.lowest else f"{split.lowest}"


def reach(case: Case) -> str:
    """4. Service and subset of the canary lead to its pods, and those of the primary would after a promotion."""
    if reason := unreached(case):
        raise GateError(reason)
    return f"{case.objects.primary.full_name} is reached with the template of {case.objects.canary.full_name} too"


def unreached(case: Case) -> str | None:
    """Returns why a Service or a subset does not lead to its pods, or would not after a promotion."""
    found, split, rollout = case.objects, case.weights.split, case.rollout
    after = f"the pods that {found.primary.full_name} would have after the promotion"
    now = f"the pods of {found.canary.full_name}"
    try:
        primary, canary = found.subsets_of(rollout.primary_service), found.subsets_of(rollout.canary_service)
    except GateError as error:  # the DestinationRules cannot be read
        return error.reason
    return (
        _gone_while_copied(case)
        or reached.unreached(found.primary_service, found.promoted_template, after, split.primary_ports)
        or reached.unreached(found.canary_service, found.canary.template, now, split.canary_ports)
        or reached.outside(rollout.primary_service, split.primary_subsets, primary, found.promoted_template, after)
        or reached.outside(rollout.canary_service, split.canary_subsets, canary, found.canary.template, now)
    )


def _gone_while_copied(case: Case) -> str | None:
    """Returns why the primary would have no pod for its traffic while the promotion replaces them; None if it would."""
    primary = case.objects.primary
    rest = 100 - (case.weights.split.lowest if case.record.orders.promotes else case.spec.steps.maximum)
    if primary.kept or not rest or not primary.wanted:
        return None
    return (
        f"{primary.ref} (spec.strategy) takes down all of its pods at once when the template is copied, and still gets "
        f"{rest} % of the traffic then"
    )


def template(case: Case) -> str:
    """After the copy, the primary still has the copied template."""
    record, primary, canary = case.record, case.objects.primary, case.objects.canary
    if record.overwritten_by is not None:
        raise GateError(messages.overwritten(primary.full_name, record.overwritten_by))
    if record.copy_undone:
        raise GateError(messages.copy_undone(primary.full_name, _not_as_sent(case)))
    if record.standing is Standing.SAME:
        stored = "" if case.objects.on_primary else f", stored with changes ({', '.join(_not_as_sent(case))})"
        return f"{primary.full_name} carries {record.revision}{stored}"
    return f"{canary.full_name} moved on; {primary.full_name} is finished first"


def _not_as_sent(case: Case) -> list[str]:
    """Returns where the primary's template is not what a copy sends."""
    paths = changed_paths(case.objects.promoted_template, case.objects.primary.template)
    return [*paths[:MOST_PATHS], *(["…"] if len(paths) > MOST_PATHS else [])]


def drained(case: Case) -> str:
    """No object of the namespace that splits traffic gives the canary's host any weight, managed or not."""
    found, host = case.observation.around.all_routes, case.spec.canary_host
    if isinstance(found, ForbiddenError):
        return f"whether other routes lead to {host} cannot be seen: {found}"
    if isinstance(found, ClusterError):
        raise GateError(f"whether other routes lead to {host} cannot be seen: {found}")
    splits, alone = routers.leading_to(found, host)
    if splits:
        raise GateError(f"{', '.join(splits)} still gives traffic to {host}: take it away before the canary goes")
    return f"no route splits traffic to {host}" + (f"; {', '.join(alone)} leads to it alone" if alone else "")


def endpoints(case: Case) -> str:
    """After the copy: the primary's Service has a ready endpoint on each port that the managed routes use."""
    found, service = case.observation.around.endpoints, case.objects.primary_service
    if isinstance(found, MissingError):  # no cluster with controllers
        return f"whether {service.ref} has ready endpoints cannot be known: {found}"
    if isinstance(found, ClusterError):
        raise GateError(f"whether {service.ref} has ready endpoints cannot be seen: {found}")
    if reason := reached.without_endpoints(service, found, case.weights.split.primary_ports):
        raise GateError(reason)
    return f"{service.ref} has ready endpoints"


def available(case: Case) -> str:
    """The primary can take the traffic: it has an available replica."""
    deployment = case.objects.primary
    if deployment.available < 1:
        raise GateError(f"{deployment.ref} has no available replica to take the traffic back")
    return _available(deployment)


def primary(case: Case) -> str:
    """5. The primary is healthy. After the copy, its rolling update has a message of its own (M6)."""
    deployment = case.objects.primary
    reason = health.unhealthy(deployment)
    if reason is None:
        return _available(deployment)
    if late := attempts.promotion_overdue(case):
        raise GateError(f"{deployment.ref} {reason}; {late}", condition="PromotionDeadlineExceeded")
    available, updated = health.updated_and_available(deployment)
    if case.state.phase in CONCLUDING and reason == health.unfinished(deployment) and available < updated:
        text = messages.waiting(deployment.full_name, available, updated)
        raise GateError(text, event=text)
    raise GateError(f"{deployment.ref} {reason}")


def canary(case: Case) -> str:
    """5. The canary is healthy."""
    deployment = case.objects.canary
    reason = health.unhealthy(deployment)
    if reason is not None:
        raise GateError(f"{deployment.ref} {reason}")
    return _available(deployment)


def _available(deployment: Deployment) -> str:
    return f"{deployment.full_name} has {deployment.available} of {deployment.wanted} replicas available"


def scaling(case: Case) -> str:
    """6. The canary is not being scaled."""
    deployment = case.objects.canary
    reason = health.scaling(deployment, case.objects.autoscalers_of(case.rollout.canary))
    if reason is not None:
        raise GateError(f"{deployment.ref} {reason}")
    idle = [item for item in case.objects.autoscalers_of(case.rollout.canary) if not item.is_active]
    words = "".join(f"; {item.name} cannot compute a size ({item.inactive_reason})" for item in idle)
    return f"{deployment.full_name} rests at {deployment.wanted}{words}"


def size(case: Case) -> str:
    """The size is known that a canary with 0 replicas gets."""
    return f"{case.objects.canary.full_name} gets {size_to_scale_up_to(case)} replicas"


def size_to_scale_up_to(case: Case) -> int:
    """Returns the size that the canary had, else what its autoscaler starts at, else the primary's, else 1."""
    if case.state.canary_replicas:
        return case.state.canary_replicas
    autoscalers = case.objects.autoscalers_of(case.rollout.canary)
    sizes = [*(item.min_replicas for item in autoscalers), case.objects.primary.wanted]
    return next((size for size in sizes if size), 1)


def edits(case: Case) -> str:
    """Before the copy: nobody changed the primary's template since the revision started."""
    primary, editor = case.objects.primary, case.record.editor
    if case.record.edited:
        paths = owned_paths(primary.manifest, editor, "spec", "template") if editor else ()
        manager = editor.manager if editor else "somebody"
        raise GateError(messages.edited(primary.full_name, case.objects.canary.full_name, manager, paths))
    return f"nobody changed the template of {primary.full_name} since the release started"


def interval(case: Case) -> str:
    """7. The control-loop interval has passed since the weight moved, or since the promotion was decided."""
    state = case.state
    times = [case.weights.since, state.last_transition if state.phase is Phase.PROMOTING else None]
    since = max((time for time in times if time is not None), default=None)
    if since is None:
        # Whoever gave it that weight, or whatever lost the status, may have done so a moment ago.
        if state.phase is Phase.NEW and case.weights.written_within(case.least_interval, case.now):
            found = case.weights.split.highest
            raise HoldError(
                f"found with {found} % on the canary, only just written: on record from now on",
                "Progressing",
                is_told=False,
            )
        return "nothing moved before"
    elapsed = case.seconds_since(since)
    least = case.least_interval
    if elapsed < least:
        raise WaitError(f"{least - elapsed:.0f}s of the control-loop interval left")
    return f"{elapsed:.0f}s since the last move"


BY_NAME: dict[str, Callable[[Case], str]] = {
    **optional_gates.BY_NAME,
    "available": available,
    "rollout": rollout,
    "deployments": deployments,
    "services": services,
    "routes": routes,
    "reach": reach,
    "template": template,
    "drained": drained,
    "primary": primary,
    "endpoints": endpoints,
    "canary": canary,
    "scaling": scaling,
    "size": size,
    "edits": edits,
    "interval": interval,
}
