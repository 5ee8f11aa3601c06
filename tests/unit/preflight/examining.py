"""The small world of the tests of the core, examined as `steerer lint` and `steerer check` do. Only builders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.engine.observe import observe_everything
from reconcile.engine.selection import Selection
from reconcile.model.settings import Settings
from reconcile.preflight.checks import CLUSTER, FOLDER
from reconcile.preflight.examination import examine, subjects
from reconcile.preflight.findings import Level
from reconcile.preflight.queries import questions
from tests.support.fakes import MemoryCluster
from tests.support.world import METRICS, START, SUCCESS, standard

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconcile.model.kinds import Manifest
    from reconcile.model.measurement import Answer
    from reconcile.preflight.findings import Check, Examined, Finding, Subject

Broken = tuple["list[Manifest]", tuple[str, str, str, str, str]]
"""Objects with one thing wrong, and its row: check, level, object, path, message."""

ROLLOUT, PRIMARY, CANARY = "Rollout podinfo.test", "Deployment podinfo.test", "Deployment podinfo-canary.test"
PRIMARY_SERVICE, CANARY_SERVICE = "Service podinfo.test", "Service podinfo-canary.test"
ROUTE = "VirtualService podinfo.test"
ANALYSIS = "spec.canaryAnalysis"
BOTH_LABELS = {"app": "podinfo-canary", "of": "podinfo"}
YES = True
# The checks that only a cluster has.
LIVE = tuple(check for check in CLUSTER if check.name in {"primary", "canary", "scaling", "gitops"})


def edited(items: Iterable[Manifest], *path_and_value: Any, kind: str, name: str = "podinfo") -> list[Manifest]:
    """Returns the objects with one field of one of them set, or taken out with None."""
    cluster = MemoryCluster(items, versioned=False)
    ref = next(ref for ref in cluster.objects if (ref.kind.name, ref.name) == (kind, name))
    cluster.edit(ref, *path_and_value)
    return [*cluster.objects.values()]


def standard_with(kind: str, *path_and_value: Any, name: str = "podinfo") -> list[Manifest]:
    """Returns the standard objects with one field set, or taken out with None."""
    return edited(standard(), *path_and_value, kind=kind, name=name)


def standard_and(*items: Manifest) -> list[Manifest]:
    """Returns the standard objects and others."""
    return [*standard(), *items]


def standard_without(*refs: Any) -> list[Manifest]:
    """Returns the standard objects without some of them."""
    cluster = MemoryCluster(standard(), versioned=False)
    return [item for ref, item in cluster.objects.items() if ref not in refs]


def metric(name: str = SUCCESS, threshold: object = 99, **fields: Any) -> dict[str, Any]:
    """Returns one entry of `metrics`."""
    return {"name": name, "threshold": threshold, "interval": "1m"} | fields


def subjects_of(items: MemoryCluster | Iterable[Manifest], **settings: Any) -> tuple[Subject, ...]:
    """Returns every Rollout among the objects."""
    cluster = items if isinstance(items, MemoryCluster) else MemoryCluster(items, versioned=False)
    snapshot, every = observe_everything(cluster, Selection())
    return subjects(snapshot.observations, every, Settings(**{"metrics": METRICS} | settings), START)


def examined(
    items: MemoryCluster | Iterable[Manifest], checks: Sequence[Check], *answers: Answer, **settings: Any
) -> list[Examined]:
    """Makes all checks of every Rollout; `answers` are those to the questions, in their order."""
    every = subjects_of(items, **settings)
    asked = [question for subject in every for question in questions(subject)]
    return [examine(subject, checks, dict(zip(asked, answers, strict=False))) for subject in every]


def findings_of(results: Iterable[Examined], *, infos: bool = False) -> list[tuple[str, Finding]]:
    """Returns the findings, each with the name of its check; what is only information is left out unless asked for."""
    return [
        (result.check, finding)
        for item in results
        for result in item.results
        for finding in result.findings
        if infos or finding.is_problem
    ]


def rows_of(results: Iterable[Examined]) -> list[tuple[str, str, str, str, str]]:
    """Returns the findings as plain rows: check, level, object, path, message."""
    return [(check, str(item.level), item.object, item.path, item.message) for check, item in findings_of(results)]


def infos(items: Sequence[Manifest], check: str, **settings: Any) -> list[str]:
    """Returns what one check tells as information."""
    every = findings_of(examined(items, FOLDER, **settings), infos=True)
    return [item.message for name, item in every if name == check and item.level is Level.INFO]
