"""One metric over two intervals, with a threshold each: each is asked and judged as a metric of its own."""

from __future__ import annotations

from pathlib import Path

from reconcile.clusters.folder.cluster import FolderCluster
from reconcile.model.measurement import Answer
from reconcile.preflight.checks import CLUSTER
from reconcile.preflight.examination import examine
from reconcile.preflight.queries import questions
from tests.unit.preflight.examining import subjects_of

CASE = Path(__file__).parent / "cases" / "same-metric-twice"


def test_only_the_threshold_that_is_missed_is_told() -> None:
    [subject] = subjects_of(FolderCluster(CASE / "in").by_place().values())
    asked = questions(subject)
    # Of the canary, and of the primary.
    assert len({(question.workload, question.interval) for question in asked}) == len(asked) == 4
    result = examine(subject, CLUSTER, dict.fromkeys(asked, Answer(value=95.0)))
    [found] = next(item.findings for item in result.results if item.check == "queries")
    assert (found.path, found.message) == ("spec.canaryAnalysis.metrics[0]", "success rate 95.00% < 99%")
