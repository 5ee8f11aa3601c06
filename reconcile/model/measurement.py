"""The values of the analysis: metrics, questions, answers and measurements."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from datetime import datetime

    from reconcile.model.kinds import Ref


class Metric(Struct, frozen=True, kw_only=True):
    """A metric template as the core knows it.

    `bound` is "minimum" or "maximum": what a threshold is; "" = it has no better side. `unit` is "percent",
    "milliseconds" or free text. `requests`, `failures`: it can count these. `query` is the template of the PromQL as it
    is written, `needs` what has to report, `edges` the template of the query for the edges of its buckets. They say
    what a metric looks at, and decide nothing.
    """

    name: str
    title: str
    unit: str
    bound: str
    query: str = ""
    requests: bool = False
    failures: bool = False
    needs: str = ""
    edges: str = ""


class Roles(Struct, frozen=True, kw_only=True):
    """The names of the two Deployments of a Rollout, and of their Services."""

    primary: str
    canary: str
    primary_service: str
    canary_service: str


class Asks(StrEnum):
    """Which query of a metric is asked: its value, or a count over the interval. The names are those of a file."""

    VALUE = "query"
    REQUESTS = "requests"
    FAILURES = "failures"


class Question(Struct, frozen=True, kw_only=True):
    """One metric of one Rollout in one pass. `weight` is the canary's share of the traffic in percent.

    `args`, `roles` and `threshold` are variables for its template. `query` is the Rollout's own template; "" = that of
    the metric.
    """

    rollout: Ref
    metric: str
    workload: str
    interval: str
    weight: int
    args: tuple[tuple[str, str], ...] = ()
    roles: Roles | None = None
    query: str = ""
    asks: Asks = Asks.VALUE
    threshold: float | None = None


# The verdicts; any other one is the failure of the answer.
PASSED = "passed"
FAILED = "failed"
SKIPPED = "skipped"


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


class Answer(Struct, frozen=True, kw_only=True):
    """The answer to a question: a finite `value`, or a `failure` with a `detail`. `query` is the rendered text.

    `is_empty`: the answer is a valid one, and there is no number in it: no series, or NaN. `labels`: of several series
    that have one label each, these.
    """

    query: str = ""
    value: float | None = None
    failure: Failure | None = None
    detail: str = ""
    warnings: tuple[str, ...] = ()
    is_empty: bool = False
    labels: tuple[tuple[str, str], ...] = ()


class Counts(Struct, frozen=True, kw_only=True):
    """Requests, and how many of them were bad. `increase` extrapolates, so they need not be whole."""

    total: float
    bad: float


class Slice(Struct, frozen=True, kw_only=True):
    """What the canary and the primary beside it served while the canary had one weight."""

    canary: Counts
    primary: Counts


class Range(Struct, frozen=True, kw_only=True):
    """The values that are good, both ends included; None = no bound on that side."""

    least: float | None = None
    most: float | None = None


def good_values(bound: str, threshold: float | None, asked: Range | None) -> Range:
    """Returns the values that are good: the range that is asked for, or one side of a threshold.

    `bound` says which side; a metric without a better side has none, and any value is good by its threshold.
    """
    if asked is not None:
        return asked
    if bound == "minimum":
        return Range(least=threshold)
    return Range(most=threshold if bound == "maximum" else None)


class Measurement(Struct, frozen=True, kw_only=True):
    """An answer held against its bounds. `verdict` is "passed", "failed", "skipped" or the failure of the answer.

    It has a `threshold`, a `range` or neither. `primary_value` is what a comparison is made with; `counts` (of this
    step), `evidence` and `limit` are those of the sequential test. `gates`: the release waits for it. `is_plain`: there
    is nothing to tell beyond value, threshold and verdict.
    """

    metric: str
    query: str
    value: float | None
    threshold: float | None
    bound: str
    verdict: str
    text: str
    at: datetime
    range: Range | None = None
    primary_value: float | None = None
    counts: Slice | None = None
    evidence: float | None = None
    limit: int | None = None
    gates: bool = True
    is_plain: bool = True

    @property
    def range_fields(self) -> dict[str, float] | None:
        """The range as it is written in a manifest; None without one."""
        if self.range is None:
            return None
        ends = {"min": self.range.least, "max": self.range.most}
        return {key: end for key, end in ends.items() if end is not None}

    @property
    def passed(self) -> bool:
        """Whether this metric lets the canary go on."""
        return not self.gates or self.verdict in {PASSED, SKIPPED}

    @property
    def fails(self) -> bool:
        """Whether it makes the check a failed one, which a failure policy counts."""
        return self.gates and self.verdict == FAILED
