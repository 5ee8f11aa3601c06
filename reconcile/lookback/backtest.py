"""How a Rollout would have judged its primary in a time that is over, in which nothing was wrong with a canary.

Releases begin one after the other, each goes through the weights of the Rollout, and at each check its canary is a part
of the primary (`judged`). Verdicts, counts, limits and deadlines are those of `core`.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from reconcile.core.analysis import sharing
from reconcile.core.case import DEADLINE_EXCEEDED
from reconcile.core.series import WHAT_TO_LOOK_AT
from reconcile.lookback.judged import ALL, Judged
from reconcile.lookback.recorded import places
from reconcile.lookback.releases import Releases, alone, ended, worst
from reconcile.lookback.schedule import schedule
from reconcile.lookback.step_requests import step_requests
from reconcile.model.measurement import FAILED, PASSED, SKIPPED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from reconcile.lookback.recorded import Recorded
    from reconcile.lookback.schedule import Schedule
    from reconcile.lookback.step_requests import StepRequests
    from reconcile.model.checks import Check
    from reconcile.model.kinds import Ref
    from reconcile.model.measurement import Metric
    from reconcile.model.policy import FailurePolicy
    from reconcile.model.rollout import Spec
    from reconcile.model.series import Points, Window

TARGETS = (5, 1)
"""Percent of the releases that a threshold is proposed for."""
MOST_LOOKS, MOST_DRAWN = 250_000, 6_000
"""Checks of all releases together; the second where requests are drawn, which takes longer."""
MOST_PARTS = 120
"""Of the time, in a picture."""
_LETS_GO_ON = frozenset({PASSED, SKIPPED})
_NO_VALUE = f"no value of the primary in this time. {WHAT_TO_LOOK_AT}"


class Proposal(Struct, frozen=True, kw_only=True):
    """The threshold with which `halted` of the releases halt, at most `target` percent; None = there is none."""

    target: int
    threshold: float | None
    halted: float | None


class MetricTest(Struct, frozen=True, kw_only=True):
    """One metric: shares of its checks, and of the releases that would have halted by it alone, from 0 to 1.

    The checks are those of the primary's own value, with all of its requests. `worse` is the share of releases whose
    canary the comparison finds worse than the primary; None where none is replayed.
    """

    recorded: Recorded
    problem: str = ""
    failed: float = 0.0
    inconclusive: float = 0.0
    good: float = 0.0
    halted: float | None = None
    worse: float | None = None
    proposals: tuple[Proposal, ...] = ()
    steps: tuple[StepRequests, ...] = ()

    @property
    def check(self) -> Check:
        """What the Rollout asks for."""
        return self.recorded.check

    @property
    def metric(self) -> Metric:
        """What is measured."""
        return self.recorded.metric


class Backtest(Struct, frozen=True, kw_only=True):
    """One Rollout. `checks` were looked at from `begin` on, one each `step` seconds; a release takes `length` of them.

    Of the `releases` one begins each `apart` checks. `halted` is the share with a check that does not let them go on,
    `ended` that with a limit or a deadline that is passed, `late` that with a deadline; None where nothing follows.
    `alarms` are what `halted` is for the releases that begin in each part of the time.
    """

    rollout: Ref
    begin: datetime
    end: datetime
    step: float
    checks: int
    length: int
    releases: int
    apart: int
    halted: float | None
    ended: float | None
    late: float | None
    policy: FailurePolicy
    metrics: tuple[MetricTest, ...]
    alarms: tuple[tuple[datetime, float], ...] = ()
    is_short: bool = False

    @property
    def has_values(self) -> bool:
        """Whether anything was judged."""
        return self.checks > 0

    def points(self, metric: MetricTest) -> Points:
        """Returns the values of a metric over the time that was looked at."""
        values = metric.recorded.values[-self.checks :] if self.has_values else []
        return tuple((self.begin + timedelta(seconds=self.step * place), value) for place, value in enumerate(values))


def replay(
    rollout: Ref, spec: Spec, recorded: Sequence[Recorded], window: Window, length: float | None = None
) -> Backtest:
    """Returns how the policy would have done with releases of `length` seconds; None = as long as their steps take.

    The time before the first value of any metric is left out: the server does not go back so far.
    """
    known = [item for item in recorded if item.is_known]
    first = min((item.first for item in known), default=0)
    rate = sharing(spec.checks)
    judged = [Judged(recorded=item, sharing=rate, step=window.step, at=window.end) for item in known]
    checks = places(window) - first if known else 0
    most = MOST_DRAWN if any(item.is_compared for item in judged) else MOST_LOOKS
    releases = _releases(spec, window, schedule(spec, window.step, length), range(first, first + checks), most)
    tests = {item.recorded.check: _tested(item, first, releases, spec) for item in judged}
    gating = [item for item in judged if not item.recorded.check.observe]
    halted = {start for item in gating for start in tests[item.recorded.check][1]}
    over = ended(gating, releases, halted)
    return Backtest(
        rollout=rollout,
        begin=releases.time(first),
        end=window.end,
        step=window.step,
        checks=checks,
        length=releases.schedule.checks,
        releases=len(releases.starts),
        apart=releases.starts.step,
        halted=releases.share(halted),
        ended=None if over is None else releases.share(over),
        late=None if over is None else releases.share([start for start in over if over[start] == DEADLINE_EXCEEDED]),
        policy=spec.failure,
        metrics=tuple(
            tests[item.check][0] if item.is_known else MetricTest(recorded=item, problem=item.problem or _NO_VALUE)
            for item in recorded
        ),
        alarms=tuple(_alarms(releases, halted)),
        is_short=first > 0,
    )


def _releases(spec: Spec, window: Window, plan: Schedule, checks: range, most: int) -> Releases:
    """Returns the releases in these checks, as far apart as it takes to look at most so often."""
    possible = max(len(checks) - plan.checks + 1, 0)
    apart = max(math.ceil(possible * plan.checks / most), 1)
    first = checks.start - 1  # the first weight is set one check before
    return Releases(
        policy=spec.failure,
        schedule=plan,
        starts=range(first, first + possible, apart),
        end=places(window),
        step=window.step,
        begin=window.begin,
    )


def _alarms(releases: Releases, halted: Collection[int]) -> Iterator[tuple[datetime, float]]:
    """Yields the share of releases that halt of those that begin in each part of the time."""
    starts = releases.starts
    parts = min(len(starts), MOST_PARTS)
    for part in range(parts):
        some = starts[part * len(starts) // parts : (part + 1) * len(starts) // parts]
        yield releases.time(some[0] + 1), sum(start in halted for start in some) / len(some)


def _tested(item: Judged, first: int, releases: Releases, spec: Spec) -> tuple[MetricTest, set[int]]:
    """Returns what is told of one metric, and the releases that halt by it."""
    verdicts = [item.by_value(place, ALL).verdict for place in range(first, releases.end)]
    good, failed = (sum(one in kind for one in verdicts) / len(verdicts) for kind in (_LETS_GO_ON, {FAILED}))
    inconclusive = sum(one not in {*_LETS_GO_ON, FAILED} for one in verdicts) / len(verdicts)
    found = {start: alone(item, start, releases.schedule) for start in releases.starts}
    halts = {start for start, (stops, _) in found.items() if stops}
    worse = {start for start, (_, is_worse) in found.items() if is_worse}
    return MetricTest(
        recorded=item.recorded,
        failed=failed,
        inconclusive=inconclusive,
        good=good,
        halted=releases.share(halts),
        worse=releases.share(worse) if item.is_compared else None,
        proposals=tuple(_proposals(item, releases)),
        steps=step_requests(item.recorded.requests[first:], item.check, spec.steps.weights),
    ), halts


def _proposals(item: Judged, releases: Releases) -> Iterator[Proposal]:
    """Yields a threshold for each target; none where the metric has no better side, or no threshold."""
    check, metric = item.check, item.recorded.metric
    if check.threshold is None or not metric.bound:
        return
    highest = sorted(worst(item, start, releases.schedule) for start in releases.starts)
    sign = -1.0 if metric.bound == "minimum" else 1.0
    for target in TARGETS if highest else ():
        bound = highest[len(highest) - 1 - len(highest) * target // 100]
        halted = (len(highest) - bisect_right(highest, bound)) / len(highest)
        found = math.isfinite(bound)
        yield Proposal(target=target, threshold=sign * bound if found else None, halted=halted if found else None)
