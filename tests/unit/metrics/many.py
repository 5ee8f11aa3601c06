"""A meter for many questions at once, with metrics that have a query for several workloads and one that has none."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconcile.metrics.prometheus import Prometheus
from reconcile.metrics.templates import MetricFile, TemplateSet
from reconcile.model.kinds import ROLLOUT, Ref
from reconcile.model.measurement import Answer, Metric, Question

if TYPE_CHECKING:
    from tests.support.metrics_server import Handler, Server


AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def file(name: str, query: str, grouped: str = "") -> MetricFile:
    metric = Metric(name=name, title=name, unit="things", bound="minimum")
    return MetricFile(path=Path(f"{name}.yaml"), metric=metric, query=query, grouped=grouped)


TEMPLATES = TemplateSet(
    {
        "alone": file("alone", 'alone{w="{{ workload }}"}'),
        "first": file("first", 'first{w="{{ workload }}"}', 'first by w{w=~"{{ workloads }}"}'),
        "second": file("second", 'second{w="{{ workload }}"}', 'second by w{w=~"{{ workloads }}"}'),
        "sly": file(
            "sly",
            'sly{w="{{ workload }}"}',
            "sly by w{w=~{% for a in ['b', 'c', 'd', 'e', 'f'] %}{{ workloads }}{% endfor %}}",
        ),
    }
)


def question(workload: str, metric: str = "alone") -> Question:
    rollout = Ref(ROLLOUT, "test", workload)
    return Question(rollout=rollout, metric=metric, workload=workload, interval="1m", weight=10)


def questions(count: int, *metrics: str) -> list[Question]:
    return [question(f"w{number}", metric) for number in range(count) for metric in metrics or ("alone",)]


def measured(server: Server, asked: list[Question], **options: Any) -> dict[str, Answer]:
    """Returns the answers by their queries."""
    answers = Prometheus(server.url, TEMPLATES, **options).measure(asked, AT)
    assert list(answers) == asked
    for one, answer in answers.items():
        assert answer.query == TEMPLATES.render(one, "test")
    return {answer.query: answer for answer in answers.values()}


def queried(server: Server) -> list[str]:
    return [form["query"] for _, _, form in server.requests]


def by_workload(**values: Any) -> list[dict[str, Any]]:
    return [{"metric": {"w": workload}, "value": [1, value]} for workload, value in values.items()]


def names(text: str) -> list[str]:
    """Returns the workloads of a batch; none = it is a single query."""
    found = re.search(r"\(\?:([^)]*)\)", text)
    return found[1].split("|") if found else []


def error(handler: Handler, status: int, kind: str) -> None:
    handler.send(json.dumps({"status": "error", "errorType": kind, "error": "no"}).encode(), status)
