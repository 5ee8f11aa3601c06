"""The values of the analysis: what a metric is, what is asked, what is answered, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from reconcile.model.kinds import Ref


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """What the core knows of a metric template; the query itself stays with the adapter.

    `bound` is "minimum" or "maximum": what the threshold is. `unit` is "percent", "milliseconds" or free text.
    """

    name: str
    title: str
    unit: str
    bound: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One metric of one Rollout, for one pass. `weight` is the canary's share of traffic in percent."""

    rollout: Ref
    metric: str
    workload: str
    interval: str
    weight: int


class Failure(StrEnum):
    """The kinds of answer that are no number. The value is how a report names it."""

    NO_DATA = "no data"
    NOT_A_NUMBER = "not a number"
    SEVERAL_SERIES = "several series"
    WRONG_TYPE = "wrong type"
    QUERY_ERROR = "error from Prometheus"
    UNREACHABLE = "unreachable"
    TEMPLATE = "template error"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the meter said: a finite `value`, or a `failure` with `detail` in words. `query` is the rendered text."""

    query: str = ""
    value: float | None = None
    failure: Failure | None = None
    detail: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Measurement:
    """One answer held against its threshold. `verdict` is "passed", "failed" or the kind of failure."""

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
        """Say whether the canary may go on, as far as this metric is concerned."""
        return self.verdict == "passed"
