"""`steerer check`: what would halt a release, found in a cluster, rights included.

Duty: what is asked beside what a pass reads. No object is written: what the credentials may do is asked by
SelfSubjectAccessReviews, which the server answers and forgets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconcile.cli import adapters
from reconcile.cli.command import Options, command
from reconcile.cli.logs import log_to_stderr
from reconcile.cli.options import ApiOptions, LogOptions, Output, PassOptions, ScopeOptions, Strict
from reconcile.cli.preflight import counted, examined, reported, subjects
from reconcile.clusters.kube import access_review, discovery
from reconcile.clusters.kube.cluster import KubeCluster, connect
from reconcile.metrics import templates
from reconcile.model import rights
from reconcile.model.errors import ForbiddenError, MissingError
from reconcile.model.kinds import ROLLOUT, VIRTUAL_SERVICE, Ref
from reconcile.model.measurement import Question
from reconcile.preflight import checks, installed, queries
from reconcile.preflight.findings import Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconcile.cli.signals import Stop
    from reconcile.clusters.kube.access_review import ScopedRight
    from reconcile.model.errors import ClusterError
    from reconcile.model.ports import Meter
    from reconcile.preflight.findings import Answers, Result, Subject

# A Rollout that is nowhere: its question is only whether the metrics server answers.
NOBODY = Ref(ROLLOUT, "default", "steerer-check")


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckOptions(Options):
    """The options of `steerer check`."""

    api: ApiOptions
    scope: ScopeOptions
    settings: PassOptions
    strict: Strict
    output: Output
    log: LogOptions


@command(CheckOptions)
def check(options: CheckOptions, _stop: Stop) -> int:
    """Find everything in a cluster that would halt a release, missing rights included. Ends with 4 if there is any.

    Nothing is written. What the credentials may do is asked by SelfSubjectAccessReviews.
    """
    log_to_stderr(options.log.log_format, options.log.log_level)
    loaded = templates.load(options.settings.templates)
    meter = adapters.meter_for(options.settings, loaded)
    interval = adapters.interval_for(options.settings.control_loop_interval)
    settings = adapters.settings_for(options.settings.gitops_managers, interval, loaded.metrics)
    with connect(options.api.kubeconfig, options.api.context) as cluster:
        selection = adapters.selection_for(options.scope, cluster.default_namespace)
        served = _served(cluster)
        try:
            found, unread = subjects(cluster, selection, settings)
        except (ForbiddenError, MissingError) as error:
            found, unread = (), (error,)
        grants = _granted(cluster, selection.namespaces, {subject.case.rollout.ref.namespace for subject in found})
    answers = _measured(found, meter)
    shared = [installed.resources(served), installed.granted_rights(grants), counted(found, unread, Level.INFO)]
    if options.settings.metrics_server and not answers:
        shared.append(_probed(meter, next(iter(loaded.metrics))))
    results = examined(found, checks.CLUSTER, answers)
    return reported("Cluster", shared, results, options.output, strict=options.strict)


def _measured(subjects: Iterable[Subject], meter: Meter) -> Answers:
    questions = [question for subject in subjects for question in queries.questions(subject)]
    return meter.measure(questions, adapters.now()) if questions else {}


def _probed(meter: Meter, metric: str) -> Result:
    """Ask for what nobody has, so that a server is tried before there is a Rollout that needs it."""
    probe = Question(rollout=NOBODY, metric=metric, workload=NOBODY.name, interval="1m", weight=0)
    return installed.metrics_server(meter.measure([probe], adapters.now())[probe])


def _served(cluster: KubeCluster) -> installed.Served:
    resources = {kind: discovery.resources(cluster.connection, kind) for kind in (ROLLOUT, VIRTUAL_SERVICE)}
    status = discovery.status_fields(cluster.connection, ROLLOUT) if resources[ROLLOUT] else None
    return installed.Served(resources=resources, status=status)


def _granted(
    cluster: KubeCluster, scope: Sequence[str], found: Iterable[str]
) -> Mapping[ScopedRight, bool | ClusterError]:
    """Ask for every right in the namespaces in scope; where all are, what is denied for all at once, for each of these.

    All Rollouts are then listed in one request; everything else can be granted namespace by namespace.
    """
    first = access_review.review(
        cluster.connection, [(right, namespace) for namespace in scope or (None,) for right in rights.PASS]
    )
    each = sorted(found)
    if scope or not each:
        return first
    denied = [right for (right, _), may in first.items() if may is False and right.resource != ROLLOUT.plural]
    kept = {asked: may for asked, may in first.items() if asked[0] not in denied}
    return kept | dict(access_review.review(cluster.connection, [(right, name) for name in each for right in denied]))
