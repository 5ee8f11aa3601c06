"""How a Rollout would have judged its primary in a time that is over, in which nothing was wrong with a canary.

What is judged is the value of each metric at every check of that time, by the rules of `core.judgement`. A release is
so many checks that let it go on: each other one makes it longer, as in a cluster. One begins at every check.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate
from typing import TYPE_CHECKING

from reconcile.core.comparison_text import is_within
from reconcile.core.judgement import bounds_of
from reconcile.core.series import WHAT_TO_LOOK_AT
from reconcile.lookback.step_requests import step_requests
from reconcile.model.checks import OnNoData
from reconcile.model.measurement import FAILED, PASSED, SKIPPED, Failure
from reconcile.model.policy import OnFailure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from reconcile.lookback.step_requests import StepRequests
    from reconcile.model.checks import Check
    from reconcile.model.kinds import Ref
    from reconcile.model.measurement import Metric
    from reconcile.model.policy import FailurePolicy
    from reconcile.model.rollout import Spec
    from reconcile.model.series import Window

TARGETS = (5, 1)
"""Percent of the releases that a threshold is proposed for."""

Values = list[float | None]
"""One value for each check; None where there was no number."""
_NO_VALUE = f"no value of the primary in this time. {WHAT_TO_LOOK_AT}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """What a metrics server remembers of one metric of the primary; `problem` says why that is nothing.

    `requests` is what the primary served in the interval of the metric; empty = not known.
    """

    check: Check
    metric: Metric
    values: Values
    requests: Values
    query: str = ""
    problem: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """The threshold with which `halted` of the releases halt, at most `target` percent; None = there is none."""

    target: int
    threshold: float | None
    halted: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricTest:
    """One metric: shares of its checks, and of the releases that would have halted by it alone, from 0 to 1."""

    check: Check
    metric: Metric
    query: str
    problem: str = ""
    failed: float = 0.0
    inconclusive: float = 0.0
    good: float = 0.0
    halted: float | None = None
    proposals: tuple[Proposal, ...] = ()
    steps: tuple[StepRequests, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Backtest:
    """One Rollout. `checks` were replayed from `begin` on, one each `step` seconds; a release takes `length` of them.

    `halted` and `ended` are shares of the `releases`; `ended` is None where nothing follows from failed checks.
    """

    rollout: Ref
    begin: datetime
    end: datetime
    step: float
    checks: int
    length: int
    releases: int
    halted: float | None
    ended: float | None
    policy: FailurePolicy
    metrics: tuple[MetricTest, ...]
    is_short: bool = False

    @property
    def has_values(self) -> bool:
        """Whether anything was judged."""
        return self.checks > 0


def on_grid(points: Sequence[tuple[datetime, float | None]], window: Window) -> Values:
    """Returns the value at each time of the window."""
    values: Values = [None] * places(window)
    for at, value in points:
        place = round((at - window.begin).total_seconds() / window.step)
        if value is not None and 0 <= place < len(values):
            values[place] = value
    return values


def places(window: Window) -> int:
    """Returns how many checks a window has, one at each end included."""
    return round((window.end - window.begin).total_seconds() / window.step) + 1


def replay(rollout: Ref, spec: Spec, recorded: Sequence[Recorded], window: Window, length: float) -> Backtest:
    """Returns how the policy would have done with releases of `length` seconds.

    The time before the first value of any metric is left out: the server does not go back so far.
    """
    known = [item for item in recorded if not item.problem and any(value is not None for value in item.values)]
    first = min((_first(item.values) for item in known), default=0)
    verdicts = {item.check: [*_verdicts(item, first)] for item in known}
    together = [*zip(*(verdicts[item.check] for item in known if not item.check.observe), strict=True)]
    count, checks = max(math.ceil(length / window.step), 1), places(window) - first if known else 0
    passed = [all(one in _LETS_GO_ON for one in every) for every in together]
    failed = [FAILED in every for every in together]
    return Backtest(
        rollout=rollout,
        begin=window.begin + timedelta(seconds=first * window.step),
        end=window.end,
        step=window.step,
        checks=checks,
        length=count,
        releases=max(checks - count + 1, 0),
        halted=_halted(passed, count),
        ended=_ended(passed, failed, count, spec.failure),
        policy=spec.failure,
        metrics=tuple(_tested(item, verdicts.get(item.check), first, count, spec) for item in recorded),
        is_short=first > 0,
    )


_LETS_GO_ON = frozenset({PASSED, SKIPPED})


def _first(values: Values) -> int:
    return next(place for place, value in enumerate(values) if value is not None)


def _verdicts(item: Recorded, first: int) -> Iterator[str]:
    """Yields the verdict at each check. A comparison with the primary finds nothing: it is the primary."""
    check, bounds = item.check, bounds_of(item.check, item.metric)
    without = {OnNoData.FAIL: FAILED, OnNoData.PASS: SKIPPED}.get(check.on_no_data, Failure.NO_DATA.value)
    for place in range(first, len(item.values)):
        value = _enough(item, place)
        yield without if value is None else PASSED if is_within(value, bounds) else FAILED


def _enough(item: Recorded, place: int) -> float | None:
    """Returns the value; None where even all of the traffic is less than `minRequests`."""
    if item.check.min_requests and (item.requests[place] or 0.0) < item.check.min_requests:
        return None
    return item.values[place]


def _tested(item: Recorded, verdicts: list[str] | None, first: int, count: int, spec: Spec) -> MetricTest:
    if verdicts is None:
        return MetricTest(check=item.check, metric=item.metric, query=item.query, problem=item.problem or _NO_VALUE)
    shares = [sum(one in kind for one in verdicts) / len(verdicts) for kind in ({FAILED}, _LETS_GO_ON)]
    inconclusive = sum(one == Failure.NO_DATA.value for one in verdicts) / len(verdicts)
    return MetricTest(
        check=item.check,
        metric=item.metric,
        query=item.query,
        failed=shares[0],
        good=shares[1],
        inconclusive=inconclusive,
        halted=_halted([one in _LETS_GO_ON for one in verdicts], count),
        proposals=tuple(_proposals(item, first, count)),
        steps=step_requests(item.requests[first:], item.check, spec.steps.weights),
    )


def _halted(passed: list[bool], count: int) -> float | None:
    """Returns the share of releases with a check that does not let them go on; None without a release."""
    releases = len(passed) - count + 1
    if releases <= 0:
        return None
    stops = [0, *accumulate(not one for one in passed)]
    return sum(stops[start + count] > stops[start] for start in range(releases)) / releases


def _ended(passed: list[bool], failed: list[bool], count: int, policy: FailurePolicy) -> float | None:
    """Returns the share of releases in which a limit is passed before `count` checks let them go on.

    It counts as `core.case.attempts` does: a check without data neither fails nor ends a row of failed ones. What goes
    on at the end of the time is counted as far as it came.
    """
    forgiven, in_a_row = policy.failure_limit, policy.consecutive_failure_limit
    releases = len(passed) - count + 1
    has_limit = forgiven is not None or in_a_row is not None
    if releases <= 0 or policy.on_failure is OnFailure.HALT or not has_limit:
        return None
    moves = [place for place, one in enumerate(passed) if one]
    failures = [place for place, one in enumerate(failed) if one]
    rows = [*_rows(passed, failed, in_a_row)] if in_a_row is not None else []
    ended = 0
    for start in range(releases):
        last = bisect_left(moves, start) + count - 1
        end = moves[last] if last < len(moves) else len(passed)
        of_all = forgiven is not None and bisect_left(failures, end) - bisect_left(failures, start) > forgiven
        row = bisect_left(rows, (start, 0))
        ended += of_all or (row < len(rows) and rows[row][1] < end)
    return ended / releases


def _rows(passed: list[bool], failed: list[bool], forgiven: int) -> Iterator[tuple[int, int]]:
    """Yields the first and the last place of each row of one more failed checks than are forgiven, in order."""
    row: deque[int] = deque(maxlen=forgiven + 1)
    for place, (good, bad) in enumerate(zip(passed, failed, strict=True)):
        if good:
            row.clear()
        elif bad:
            row.append(place)
            if len(row) > forgiven:
                yield row[0], place


def _proposals(item: Recorded, first: int, count: int) -> Iterator[Proposal]:
    """Yields a threshold for each target; none where the metric has no better side, or no threshold."""
    if item.check.threshold is None or not item.metric.bound:
        return
    sign = -1.0 if item.metric.bound == "minimum" else 1.0
    without = -math.inf if item.check.on_no_data is OnNoData.PASS else math.inf
    values = (_enough(item, place) for place in range(first, len(item.values)))
    worst = sorted(_worst([without if value is None else sign * value for value in values], count))
    for target in TARGETS if worst else ():
        bound = worst[len(worst) - 1 - len(worst) * target // 100]
        halted = (len(worst) - bisect_right(worst, bound)) / len(worst)
        found = math.isfinite(bound)
        yield Proposal(target=target, threshold=sign * bound if found else None, halted=halted if found else None)


def _worst(values: list[float], count: int) -> Iterator[float]:
    """Yields the highest of the values of each release."""
    high: deque[int] = deque()
    for place, value in enumerate(values):
        while high and values[high[-1]] <= value:
            high.pop()
        high.append(place)
        if high[0] <= place - count:
            high.popleft()
        if place >= count - 1:
            yield values[high[0]]
