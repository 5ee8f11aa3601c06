"""The small world of the tests of the core, looked at as `steerer lint` and `steerer check` do. Only a driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.engine.observe import observe_everything
from reconcile.engine.selection import Selection
from reconcile.model.plan import Settings
from reconcile.preflight import examine, looks
from reconcile.preflight.manifests import questions
from tests.support.fakes import MemoryCluster
from tests.support.world import METRICS, START

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconcile.model.kinds import Manifest
    from reconcile.model.plan import Answer
    from reconcile.preflight.findings import Check, Examined, Finding, Look


def at(items: Iterable[Manifest], *path_and_value: Any, kind: str, name: str = "podinfo") -> list[Manifest]:
    """Give the objects with one field of one of them set, or taken out with None."""
    cluster = MemoryCluster(items, books=False)
    ref = next(ref for ref in cluster.objects if (ref.kind.name, ref.name) == (kind, name))
    cluster.edit(ref, *path_and_value)
    return [*cluster.objects.values()]


def looked(items: MemoryCluster | Iterable[Manifest], **settings: Any) -> tuple[Look, ...]:
    """Look at every Rollout among the objects."""
    cluster = items if isinstance(items, MemoryCluster) else MemoryCluster(items, books=False)
    snapshot, every = observe_everything(cluster, Selection())
    return looks(snapshot.observations, every, Settings(**{"metrics": METRICS} | settings), START)


def examined(
    items: MemoryCluster | Iterable[Manifest], checks: Sequence[Check], *answers: Answer, **settings: Any
) -> list[Examined]:
    """Make all checks of every Rollout; `answers` are those to the questions, in their order."""
    every = looked(items, **settings)
    asked = [question for look in every for question in questions(look)]
    return [examine(look, checks, dict(zip(asked, answers, strict=False))) for look in every]


def findings(results: Iterable[Examined], *, infos: bool = False) -> list[tuple[str, Finding]]:
    """Give what was found, each with the name of its check; without what is only information unless asked for."""
    return [
        (result.check, finding)
        for item in results
        for result in item.results
        for finding in result.findings
        if infos or finding.troubles
    ]


def told(results: Iterable[Examined]) -> list[tuple[str, str, str, str, str]]:
    """Give what was found as plain rows: check, level, object, path, message."""
    return [(check, str(item.level), item.object, item.path, item.message) for check, item in findings(results)]
