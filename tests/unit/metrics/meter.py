"""A Prometheus meter with two metrics, and one question to it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reconcile.metrics.prometheus import Prometheus
from reconcile.metrics.templates import MetricFile, TemplateSet
from reconcile.model.kinds import ROLLOUT, Ref
from reconcile.model.measurement import Answer, Failure, Metric, Question
from tests.hostile.tally import End, ended

AT = datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC)


TEMPLATES = TemplateSet(
    {
        name: MetricFile(
            path=Path(f"{name}.yaml"), metric=Metric(name=name, title=name, unit="things", bound="minimum"), query=query
        )
        for name, query in {"m": 'q{w="{{ workload }}"}', "broken": "{{ nothing }}"}.items()
    }
)


def question(workload: str = "c", metric: str = "m", rollout: str = "podinfo") -> Question:
    return Question(rollout=Ref(ROLLOUT, "test", rollout), metric=metric, workload=workload, interval="1m", weight=10)


def ask(url: str, **options: Any) -> Answer:
    asked = question()
    return Prometheus(url, TEMPLATES, **options).measure([asked], AT)[asked]


def failed(answer: Answer) -> tuple[Failure | None, str]:
    assert answer.value is None
    ended(End.HELD)
    return answer.failure, answer.detail


def unreachable(answer: Answer, url: str) -> str:
    """Returns the reason in an answer without a value, without the address before it."""
    failure, detail = failed(answer)
    assert failure is Failure.UNREACHABLE
    assert detail.startswith(f"{url}: ")
    assert answer.query == 'q{w="c"}'
    return detail.removeprefix(f"{url}: ")
