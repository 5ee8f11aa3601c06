"""`steerer check`: finds what would halt a release in a cluster, rights included.

No object is written: SelfSubjectAccessReviews, which the server does not store, say what the credentials may do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.cli import adapters
from reconcile.cli.approvers import approvals
from reconcile.cli.command import Options, command
from reconcile.cli.logs import log_to_stderr
from reconcile.cli.options import ApiOptions, LogOptions, PassOptions, PreflightOutput, ScopeOptions, Strict
from reconcile.cli.pod_selectors import beside_what_selects_pods
from reconcile.cli.preflight import count_rollouts, examine_all, print_results, read_subjects
from reconcile.cli.scope import selection_for
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
    from reconcile.engine.selection import Selection
    from reconcile.model.errors import ClusterError
    from reconcile.model.kinds import Kind
    from reconcile.model.ports import Meter
    from reconcile.model.settings import Settings
    from reconcile.preflight.findings import Answers, Result, Subject

# A Rollout that does not exist: its question shows only whether the metrics server answers.
PROBE = Ref(ROLLOUT, "default", "steerer-check")


class CheckOptions(Options, frozen=True, kw_only=True):
    """The options of `steerer check`."""

    api: ApiOptions
    scope: ScopeOptions
    settings: PassOptions
    strict: Strict
    output: PreflightOutput
    log: LogOptions


@command(CheckOptions)
def check(options: CheckOptions, _stop: Stop) -> int:
    """Find everything in a cluster that would halt a release, missing rights included. Ends with 4 if there is any.

    Nothing is written. What the credentials may do is asked by SelfSubjectAccessReviews.
    """
    log_to_stderr(options.log.log_format, options.log.log_level)
    loaded = templates.load(options.settings.templates)
    meter = adapters.meter_for(options.settings, loaded, options.settings.pass_timeout)
    settings = adapters.settings_for(options.settings, loaded.metrics)
    with connect(options.api.kubeconfig, options.api.context) as cluster:
        selection = selection_for(options.scope, cluster.default_namespace)
        subjects, errors = _subjects(cluster, selection, settings)
        kinds = sorted({ref.kind for subject in subjects for ref in subject.case.rollout.routes}) or [VIRTUAL_SERVICE]
        served = _served_resources(cluster, kinds)
        subjects, unseen = beside_what_selects_pods(cluster, subjects)
        who_approves = tuple(approvals(cluster, (subject.case.rollout for subject in subjects)))
        grants = _review_rights(
            cluster, selection.namespaces, {subject.case.rollout.ref.namespace for subject in subjects}, kinds
        )
    answers = _measure(subjects, meter)
    shared = [
        installed.resources(served),
        installed.granted_rights(grants),
        count_rollouts(subjects, errors, Level.INFO),
        *([installed.unseen_selectors(unseen)] if unseen else []),
        *who_approves,
    ]
    if options.settings.metrics_server and not answers:
        shared.append(_probe(meter))
    results = examine_all(subjects, checks.CLUSTER, answers)
    return print_results("Cluster", shared, results, options.output, strict=options.strict)


def _subjects(
    cluster: KubeCluster, selection: Selection, settings: Settings
) -> tuple[tuple[Subject, ...], tuple[ClusterError, ...]]:
    """Returns the Rollouts in scope. If none can be listed, that is one of the errors."""
    try:
        return read_subjects(cluster, selection, settings)
    except (ForbiddenError, MissingError) as error:
        return (), (error,)


def _measure(subjects: Iterable[Subject], meter: Meter) -> Answers:
    questions = [question for subject in subjects for question in queries.questions(subject)]
    return meter.measure(questions, adapters.now()) if questions else {}


def _probe(meter: Meter) -> Result:
    """Asks the metrics server before there is a Rollout that needs it: whether it answers is all that counts."""
    question = Question(
        rollout=PROBE, metric=PROBE.name, workload=PROBE.name, interval="1m", weight=0, query="vector(1)"
    )
    return installed.metrics_server(meter.measure([question], adapters.now())[question])


def _served_resources(cluster: KubeCluster, kinds: Iterable[Kind]) -> installed.Served:
    resources = {kind: discovery.resources(cluster.connection, kind) for kind in (ROLLOUT, *kinds)}
    status = discovery.status_fields(cluster.connection, ROLLOUT) if resources[ROLLOUT] else None
    return installed.Served(resources=resources, status=status)


def _review_rights(
    cluster: KubeCluster, scope: Sequence[str], with_rollouts: Iterable[str], kinds: Iterable[Kind]
) -> Mapping[ScopedRight, bool | ClusterError]:
    """Returns for every right and namespace whether it is granted. Namespaces: those in scope, or all at once.

    In the second case, a right that is denied for all namespaces at once is reviewed in each namespace with Rollouts.
    The right to list Rollouts is not: they are listed by one request for all namespaces.
    """
    first = access_review.review(
        cluster.connection, [(right, namespace) for namespace in scope or (None,) for right in rights.of_pass(kinds)]
    )
    namespaces = sorted(with_rollouts)
    if scope or not namespaces:
        return first
    denied = [right for (right, _), may in first.items() if may is False and right.resource != ROLLOUT.plural]
    kept = {asked: may for asked, may in first.items() if asked[0] not in denied}
    return kept | dict(
        access_review.review(cluster.connection, [(right, name) for name in namespaces for right in denied])
    )
