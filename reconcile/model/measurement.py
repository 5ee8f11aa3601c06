"""The values of the analysis: metrics, questions, answers and measurements."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from reconcile.model.kinds import Ref


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """A metric template as the core knows it.

    `bound` is "minimum" or "maximum": what the threshold is. `unit` is "percent", "milliseconds" or free text. `query`
    is the template of the PromQL as it is written. It says what a metric looks at, and decides nothing.
    """

    name: str
    title: str
    unit: str
    bound: str
    query: str = field(default="", repr=False, compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One metric of one Rollout in one pass. `weight` is the canary's share of the traffic in percent."""

    rollout: Ref
    metric: str
    workload: str
    interval: str
    weight: int


# The verdicts on an answer that is a number; any other verdict is the failure of the answer.
PASSED = "passed"
FAILED = "failed"


class Failure(StrEnum):
    """Why an answer has no value. The texts are those of reports."""

    NO_DATA = "no data"
    NOT_A_NUMBER = "not a number"
    SEVERAL_SERIES = "several series"
    WRONG_TYPE = "wrong type"
    PARTIAL = "partial answer"
    QUERY_ERROR = "error from Prometheus"
    UNREACHABLE = "unreachable"
    TEMPLATE = "template error"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The answer to a question: a finite `value`, or a `failure` with a `detail`. `query` is the rendered text."""

    query: str = ""
    value: float | None = None
    failure: Failure | None = None
    detail: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """Requests, and how many of them were bad. `increase` extrapolates, so they need not be whole."""

    total: float
    bad: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Slice:
    """What the canary and the primary beside it served while the canary had one weight."""

    canary: Counts
    primary: Counts


@dataclass(frozen=True, kw_only=True, slots=True)
class Measurement:
    """An answer held against its threshold. `verdict` is "passed", "failed" or the failure of the answer."""

    metric: str
    query: str
    value: float | None
    threshold: float
    bound: str
    verdict: str
    text: str
    at: datetime

    @property
    def passed(self) -> bool:
        """Whether this metric lets the canary go on."""
        return self.verdict == PASSED
