"""`steerer backtest`: how metrics and policy would have done in a time that is over. It only reads."""

from __future__ import annotations

import math
import sys
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Literal

import click
from msgspec import Struct
from msgspec.structs import replace

from reconcile.cli import adapters
from reconcile.cli.command import Options, command, option
from reconcile.cli.exit_codes import NOTHING
from reconcile.cli.logs import log_to_stderr
from reconcile.cli.option_types import Duration
from reconcile.cli.options import (
    ClusterOptions,
    Interval,
    LogOptions,
    MetricsServerOptions,
    ScopeOptions,
    Templates,
    output,
)
from reconcile.cli.scope import selection_for
from reconcile.core.metrics import unfit
from reconcile.core.series import sides
from reconcile.engine.listing import list_rollouts
from reconcile.lookback import backtest_words
from reconcile.lookback.backtest import replay
from reconcile.lookback.judged import is_split
from reconcile.lookback.recorded import Recorded, on_grid, places
from reconcile.metrics import templates
from reconcile.metrics.range_query import MOST_POINTS
from reconcile.model import durations
from reconcile.model.errors import ClusterError, SteererError, UsageError
from reconcile.model.measurement import Asks, Metric
from reconcile.model.series import Window
from reconcile.model.times import parse_time
from reconcile.report import plain_data
from reconcile.report.bar import Bar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from reconcile.cli.signals import Stop
    from reconcile.lookback.backtest import Backtest
    from reconcile.lookback.recorded import Values
    from reconcile.metrics.templates import TemplateSet
    from reconcile.model.checks import Check
    from reconcile.model.measurement import Question
    from reconcile.model.rollout import Rollout

MOST_CHECKS = 50_000
"""Of one Rollout: five weeks of one each minute."""
SHORTEST_STEP = 15.0
"""Seconds between two checks where each pass makes one (--control-loop-interval 0s)."""
BUDGET = 120.0
"""Seconds for all that is asked."""


class BacktestOptions(Options, frozen=True, kw_only=True):
    """The options of `steerer backtest`."""

    scope: ScopeOptions
    since: Annotated[
        float, option("--since", type=Duration(), default="14d", show_default=True, help="How far to look back.")
    ]
    until: Annotated[
        str, option("--until", metavar="TIME", default="", help="The end, such as 2026-01-31T12:00:00Z. [default: now]")
    ]
    length: Annotated[
        float | None,
        option("--length", type=Duration(), help="How long a release takes. [default: as long as its steps take]"),
    ]
    control_loop_interval: Interval
    cluster: ClusterOptions
    server: MetricsServerOptions
    templates: Templates
    output: Annotated[
        Literal["text", "json", "markdown", "html", "svg"], output("text", "json", "markdown", "html", "svg")
    ]
    log: LogOptions


@command(BacktestOptions)
def backtest(options: BacktestOptions, _stop: Stop) -> int:
    """Say how often checks and releases would have failed in the last two weeks, though nothing was wrong.

    What each metric said of the primary is asked of --metrics-server, judged as a canary's value is, and the failure
    policy is replayed for a release that begins at each check. It proposes thresholds, and says how many requests a
    canary would get at each step. -o html is one file that needs nothing else, -o svg one picture.
    """
    log_to_stderr(options.log.log_format, options.log.log_level)
    if not options.server.metrics_server:
        raise UsageError("a backtest is made of what the metrics server remembers; name it with --metrics-server")
    end = _end(options.until)
    if not options.since > 0:
        raise UsageError("--since is more than 0s")
    if options.length is not None and not 0 < options.length <= options.since:
        raise UsageError("--length is more than 0s, and no longer than --since")
    loaded = templates.load(options.templates)
    with adapters.cluster_for(options.cluster, options.scope.namespace or ()) as (cluster, default_namespace):
        listing = list_rollouts(cluster, selection_for(options.scope, default_namespace))
    if not listing.selected and not listing.errors:
        raise UsageError("no Rollout is in scope; name one, its namespace (-n), or all (-A)")
    windows = {rollout.ref: _window(rollout, options, end) for rollout in listing.selected}
    deadline = monotonic() + BUDGET
    tests = []
    with Bar(sys.stderr, sum(len(rollout.draft.checks) + 1 for rollout in listing.selected)) as bar:
        for rollout in listing.selected:
            window = windows[rollout.ref]
            memory = _Memory(server=options.server, loaded=loaded, deadline=deadline, window=window)
            recorded = []
            for check in rollout.draft.checks:
                bar.next(f"{rollout.full_name}: asking for {check.name}")
                recorded.append(memory.of(rollout, check))
            bar.next(f"{rollout.full_name}: replaying releases")
            tests.append(replay(rollout.ref, rollout.draft, recorded, window, options.length))
    click.echo(_form(tests, options.output), nl=False)
    if listing.errors:
        raise ClusterError("; ".join(map(str, listing.errors))) from listing.errors[0]
    empty = [test.rollout.full_name for test in tests if test.metrics and not test.has_values]
    if empty:
        raise SteererError(f"no value at all of {', '.join(empty)}: what is said of each metric tells why")
    return NOTHING


def _end(until: str) -> datetime:
    now = adapters.now().replace(microsecond=0)
    end = parse_time(until) if until else now
    if end is None:
        raise UsageError(f"--until: {until!r} is no time: write 2026-01-31T12:00:00Z")
    if end > now:
        raise UsageError(f"--until: {until} has not come yet")
    return end


def _window(rollout: Rollout, options: BacktestOptions, end: datetime) -> Window:
    """Returns the time that is looked at, one check after the other. Raises UsageError where it is too long."""
    if rollout.spec is None:
        raise UsageError(f"{rollout.full_name} cannot be replayed: {'; '.join(rollout.problems)}")
    step = max(adapters.interval_for(options.control_loop_interval), rollout.spec.interval, SHORTEST_STEP)
    count = int(options.since // step)
    if count >= MOST_CHECKS:
        raise UsageError(
            f"--since {durations.text(options.since)} has {count:,} checks of {rollout.full_name}, one each "
            f"{durations.text(step)}; at most {MOST_CHECKS:,} are replayed: look back "
            f"{durations.text((MOST_CHECKS - 1) * step)} or less, or at an earlier time with --until"
        )
    return Window(begin=end - timedelta(seconds=count * step), end=end, step=step)


class _Memory(Struct, frozen=True, kw_only=True):
    """What the metrics server remembers of a time. It is asked until `deadline`, on the monotonic clock."""

    server: MetricsServerOptions
    loaded: TemplateSet
    deadline: float
    window: Window

    def of(self, rollout: Rollout, check: Check) -> Recorded:
        """Asks for one metric of the primary, and for what it can count of its requests."""
        metric = check.own_metric or self.loaded.metrics.get(check.name)
        if metric is None:
            unknown = Metric(name=check.name, title=check.name, unit="", bound="")
            problem = "it is no metric template; steerer metrics lists those that there are"
            return Recorded(check=check, metric=unknown, problem=problem)
        if problem := "; ".join(unfit(check, metric)):
            return Recorded(check=check, metric=metric, problem=problem)
        question = sides(rollout, check).primary
        values, query, problem = self._ask(question)
        found = Recorded(check=check, metric=metric, values=values, query=query, problem=problem)
        return found if problem else self._counted(found, question)

    def _counted(self, found: Recorded, question: Question) -> Recorded:
        """Returns it with the requests in the interval, and with those between two checks where they are compared."""
        check, metric = found.check, found.metric
        if metric.requests:
            requests, _, problem = self._ask(replace(question, asks=Asks.REQUESTS))
            is_needed = check.min_requests or is_split(found)
            needed = f"its requests: {problem}" if problem and is_needed else ""
            found = replace(found, requests=requests, problem=needed)
        return self._split(found, question) if is_split(found) and not found.problem else found

    def _split(self, found: Recorded, question: Question) -> Recorded:
        """Returns it with the requests between two checks: those in its interval, where that is longer, in their share.

        An interval that has too few scrapes counts nothing: that of the metric has enough, as it has a value.
        """
        step, interval = self.window.step, durations.seconds(question.interval) or 0.0
        bad = replace(question, asks=Asks.FAILURES, threshold=found.check.threshold)
        if interval >= step:
            totals, problem, share = found.requests, "", step / interval
        else:
            bad, share = replace(bad, interval=f"{math.ceil(step)}s"), 1.0
            totals, _, problem = self._ask(replace(bad, asks=Asks.REQUESTS, threshold=None))
        bads, _, uncounted = self._ask(bad)
        if problem or uncounted:
            return replace(found, problem=f"its requests: {problem or uncounted}")
        shares = [[None if value is None else value * share for value in values] for values in (totals, bads)]
        return replace(found, totals=shares[0], bads=shares[1])

    def _ask(self, question: Question) -> tuple[Values, str, str]:
        """Returns the values, the query, and what went wrong. It asks for parts that any server gives."""
        values: Values = []
        query = ""
        for part in _parts(self.window):
            left = max(self.deadline - monotonic(), 0.0)
            series = adapters.prometheus_for(self.server, self.loaded, left).series([question], part)[question]
            query = series.query
            if series.problem:
                return [], query, series.problem if left else f"not asked: {BUDGET:g}s were over"
            values += on_grid(series.points, part)
        return values, query, ""


def _parts(window: Window) -> Iterator[Window]:
    count = places(window)
    for first in range(0, count, MOST_POINTS):
        last = min(first + MOST_POINTS, count) - 1
        begin, end = (window.begin + timedelta(seconds=place * window.step) for place in (first, last))
        yield Window(begin=begin, end=end, step=window.step)


def _form(tests: list[Backtest], form: str) -> str:
    if form == "json":
        return plain_data.dump(backtest_words.data(tests), "json")
    if form in {"html", "svg"}:
        from reconcile.lookback import backtest_page  # noqa: PLC0415 - loads Jinja2

        return backtest_page.html(tests) if form == "html" else backtest_page.svg(tests)
    return backtest_words.markdown(tests) if form == "markdown" else backtest_words.text(tests)
