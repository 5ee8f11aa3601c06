"""`steerer check`: what would halt a release, found in a cluster, rights included.

Duty: what is asked beside what a pass reads. No object is written: what the credentials may do is asked by
SelfSubjectAccessReviews, which the server answers and forgets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reconcile.cli import adapters, options
from reconcile.cli.logs import log_to_stderr
from reconcile.cli.preflight import REPORT, counted, examined, reported, subjects
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

    from reconcile.clusters.kube.access_review import ScopedRight
    from reconcile.model.errors import ClusterError
    from reconcile.model.ports import Meter
    from reconcile.preflight.findings import Answers, Result, Subject

# A Rollout that is nowhere: its question is only whether the metrics server answers.
NOBODY = Ref(ROLLOUT, "default", "steerer-check")


@click.command()
@click.argument("names", nargs=-1)
@options.API
@options.SCOPE
@options.PASS
@REPORT
@click.pass_context
def check(context: click.Context, /, **given: Any) -> None:
    """Find everything in a cluster that would halt a release, missing rights included. Ends with 4 if there is any.

    Nothing is written. What the credentials may do is asked by SelfSubjectAccessReviews.
    """
    log_to_stderr(given["log_format"], given["log_level"])
    loaded = templates.load(given["templates"])
    meter = adapters.meter_for(given, loaded)
    with connect(given["kubeconfig"], given["context"]) as cluster:
        selection = adapters.selection_for(given, cluster.default_namespace)
        served = _served(cluster)
        try:
            found, unread = subjects(cluster, selection, given, loaded)
        except (ForbiddenError, MissingError) as error:
            found, unread = (), (error,)
        grants = _granted(cluster, selection.namespaces, {subject.case.rollout.ref.namespace for subject in found})
    answers = _measured(found, meter)
    shared = [installed.resources(served), installed.granted_rights(grants), counted(found, unread, Level.INFO)]
    if given["metrics_server"] and not answers:
        shared.append(_probed(meter, next(iter(loaded.metrics))))
    context.exit(reported("Cluster", shared, examined(found, checks.CLUSTER, answers), given))


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
