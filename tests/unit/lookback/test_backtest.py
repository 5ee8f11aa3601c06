"""The replay of a time that is over, against replays by hand, and what is told of it. `test_releases` has passes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from statistics import mean, stdev
from typing import Any

import pytest
from msgspec.structs import replace

from reconcile.lookback import backtest_words
from reconcile.lookback.backtest import Backtest, MetricTest, Proposal, replay
from reconcile.lookback.backtest_sentences import readable
from reconcile.lookback.drawn import drawn
from reconcile.lookback.recorded import Recorded, Values, on_grid, places
from reconcile.lookback.schedule import schedule
from reconcile.lookback.step_requests import step_requests
from reconcile.model.checks import Check, Comparison, OnNoData
from reconcile.model.kinds import ROLLOUT, Ref
from reconcile.model.measurement import Metric, Range
from reconcile.model.policy import FailurePolicy, OnFailure, Step, Steps
from reconcile.model.rollout import Spec
from reconcile.model.series import Window

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
SUCCESS = Metric(name="success", title="success rate", unit="percent", bound="minimum", requests=True)
COUNTED = replace(SUCCESS, failures=True)
LATENCY = Metric(name="latency", title="request duration", unit="milliseconds", bound="maximum")
ROLLBACK = FailurePolicy(on_failure=OnFailure.ROLLBACK, failure_limit=1)
# One check a minute; releases take two. The first of these is before the first value.
VALUES: Values = [None, 100.0, 98.0, 100.0, 100.0, None, 100.0, 97.0, 96.0, 100.0, 100.0]


def recorded(values: Values, metric: Metric = SUCCESS, requests: Values | None = None, **check: Any) -> Recorded:
    made = Check(name=metric.name, interval="1m", **({"threshold": 99.0} | check))
    return Recorded(check=made, metric=metric, values=values, requests=requests or [], query="query")


def counted(totals: Values, bads: Values, **check: Any) -> Recorded:
    """A success rate by what was counted between two checks."""
    values = [None if not total else 100 - 100 * (bad or 0) / total for total, bad in zip(totals, bads, strict=True)]
    return replace(recorded(values, COUNTED, totals, **{"threshold": None, **check}), totals=totals, bads=bads)


def replayed(
    *metrics: Recorded, failure: FailurePolicy = ROLLBACK, length: float | None = 120.0, **spec_fields: Any
) -> Backtest:
    spec = replayed_spec(checks=tuple(item.check for item in metrics), failure=failure, **spec_fields)
    count = max(len(item.values) for item in metrics)
    window = Window(begin=BEGIN, end=BEGIN + timedelta(minutes=count - 1), step=60.0)
    return replay(Ref(ROLLOUT, "test", "web"), spec, metrics, window, length)


def replayed_spec(**fields: Any) -> Spec:
    named: dict[str, Any] = dict.fromkeys(("primary", "primary_host", "canary", "canary_host"), "web")
    usual: dict[str, Any] = {"routes": (), "steps": Steps(size=50), "checks": ()}
    return Spec(**(usual | named | fields))


def test_the_numbers_are_those_of_a_replay_by_hand() -> None:
    test = replayed(recorded(VALUES))
    assert (test.begin, test.checks, test.length, test.releases) == (BEGIN + timedelta(minutes=1), 10, 2, 9)
    [metric] = test.metrics
    assert (metric.failed, metric.inconclusive, metric.good) == (0.3, 0.1, 0.6)
    # Checks 1 to 10: good, failed, good, good, none, good, failed, failed, good, good. Releases that begin at 1, 2, 4,
    # 5, 6, 7 and 8 meet one that is not good in their first two; those at 3 and 9 do not.
    assert test.halted == metric.halted == pytest.approx(7 / 9)
    # Two failed checks pass a limit of one: in those that begin at 6 (good, failed, failed) and at 7. The one that
    # begins at 5 likewise, as its first check counts for nothing. That of 4 is done with the good check 6.
    assert test.ended == pytest.approx(3 / 9)


def test_failed_checks_in_a_row_are_not_parted_by_one_without_data() -> None:
    policy = FailurePolicy(on_failure=OnFailure.ROLLBACK, consecutive_failure_limit=1)
    apart, parted = ([100.0, 90.0, between, 90.0, 100.0, 100.0] for between in (None, 100.0))
    assert replayed(recorded(apart), failure=policy).ended == pytest.approx(2 / 5)
    assert replayed(recorded(parted), failure=policy).ended == 0.0


def test_nothing_ends_a_release_where_nothing_follows_from_failed_checks() -> None:
    halts = FailurePolicy(failure_limit=0)
    assert replayed(recorded(VALUES), failure=halts).ended is None


def test_a_deadline_ends_a_release_that_checks_hold_up() -> None:
    deadline = FailurePolicy(on_failure=OnFailure.ROLLBACK, deadline=150.0)
    test = replayed(recorded(VALUES), failure=deadline)
    # Two good checks have to come in the first two: each other one takes it past two and a half minutes.
    assert test.halted == pytest.approx(7 / 9)
    assert test.ended == test.late == pytest.approx(7 / 9)
    at_step = FailurePolicy(on_failure=OnFailure.PAUSE, step_deadline=150.0, failure_limit=9)
    # Three minutes at one weight: where two failed checks in a row hold it up, which releases 5 to 7 meet.
    assert replayed(recorded(VALUES), failure=at_step).ended == pytest.approx(3 / 9)
    # A step that takes longer by itself ends them all.
    assert replayed(recorded([100.0] * 9), failure=at_step, length=360.0).ended == 1.0
    told = backtest_words.text([replayed(recorded(VALUES), failure=at_step)])
    assert (
        "33.3 % would have been paused for a person (failureLimit 9, stepDeadline 2m30s; 33.3 % by a deadline)" in told
    )


@pytest.mark.parametrize(("metric", "sign"), [(SUCCESS, -1), (LATENCY, 1)])
def test_a_threshold_that_is_proposed_gives_the_share_it_is_proposed_for(metric: Metric, sign: int) -> None:
    random = Random(16)  # noqa: S311 - no secret
    values: Values = [100.0 + sign * random.expovariate(1.0) for _ in range(1000)]
    [before] = replayed(recorded(values, metric, threshold=100.0), length=600.0).metrics
    assert before.halted == 1.0
    for proposal in before.proposals:
        assert proposal.threshold is not None
        [after] = replayed(recorded(values, metric, threshold=proposal.threshold), length=600.0).metrics
        assert after.halted is not None
        assert after.halted == proposal.halted
        # A release shares its worst check with up to nine others: a threshold takes all of them or none.
        assert proposal.target / 100 - 10 / 991 < after.halted <= proposal.target / 100
        written = float(readable(proposal.threshold, down=sign < 0))
        [as_written] = replayed(recorded(values, metric, threshold=written), length=600.0).metrics
        assert as_written.halted is not None
        assert as_written.halted <= after.halted


def test_no_threshold_helps_against_checks_without_data() -> None:
    values: Values = [100.0, None] * 10
    [metric] = replayed(recorded(values)).metrics
    assert metric.proposals == tuple(Proposal(target=target, threshold=None, halted=None) for target in (5, 1))
    [skipped] = replayed(recorded(values, on_no_data=OnNoData.PASS)).metrics
    assert {proposal.threshold for proposal in skipped.proposals} == {100.0}


def test_a_range_has_no_proposal() -> None:
    [ranged] = replayed(recorded([1.0, 3.0, 9.0, 5.0], LATENCY, threshold=None, range=Range(least=2, most=5))).metrics
    assert (ranged.failed, ranged.proposals) == (0.5, ())


def test_a_value_that_cannot_be_split_is_not_compared() -> None:
    beside = Comparison(max_ratio=1.0)
    [compared] = replayed(recorded([1.0, 3.0], LATENCY, threshold=None, comparison=beside)).metrics
    assert (compared.good, compared.proposals, compared.worse) == (1.0, (), None)
    assert "at most 1 times the primary (not replayed)" in backtest_words.text([replayed(compared.recorded)])


def test_a_comparison_finds_a_part_of_the_primary_worse_than_the_rest_by_chance() -> None:
    random = Random(5)  # noqa: S311 - no secret
    bads: Values = [float(drawn(600, 0.01, random)) for _ in range(120)]
    half: dict[str, Any] = {"length": None, "steps": Steps(size=10, maximum=50)}
    by_ratio = counted([600.0] * 120, bads, comparison=Comparison(max_ratio=1.5))
    [ratio] = replayed(by_ratio, **half).metrics
    # A canary of 10 % has 60 requests, of which 0.6 are bad: 1.5 times what the others have is soon there.
    assert 0.8 < (ratio.worse or 0.0) < 0.95
    assert ratio.halted == ratio.worse
    lax = Comparison(max_ratio=1.5, ignore_below=10.0)
    assert replayed(counted([600.0] * 120, bads, comparison=lax), **half).halted == 0.0
    test = Comparison(max_ratio=1.0, false_alarm_rate=0.05)
    tested = replayed(counted([600.0] * 120, bads, comparison=test), **half)
    assert tested.halted == tested.metrics[0].worse
    assert (tested.halted or 0.0) < 0.05
    # The same is drawn each time.
    assert replayed(counted([600.0] * 120, bads, comparison=test), **half) == tested
    assert "of 116 releases of 5 checks in which" in backtest_words.text([tested])


def test_a_release_with_all_of_the_traffic_has_nothing_to_compare_with() -> None:
    test = Comparison(max_ratio=1.0, false_alarm_rate=0.05)
    replay_of = replayed(counted([600.0] * 9, [0.0] * 9, comparison=test))
    assert (replay_of.halted, replay_of.metrics[0].worse, replay_of.metrics[0].good) == (1.0, 0.0, 1.0)


def test_fewer_releases_are_replayed_where_requests_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconcile.lookback.backtest.MOST_DRAWN", 20)
    test = replayed(counted([600.0] * 40, [0.0] * 40, comparison=Comparison(max_ratio=1.0)), length=None)
    assert (test.releases, test.apart) == (10, 4)
    assert "of 10 releases of 2 checks (one each 4m) in which" in backtest_words.text([test])


def test_a_metric_holds_nothing_up_below_its_weight_nor_while_the_canary_warms_up() -> None:
    # Good is every third check only: a release of three weights meets it at its second weight.
    values: Values = [90.0, 100.0, 90.0] * 3
    steps = Steps(listed=tuple(Step(weight=weight) for weight in (10, 20, 30)), maximum=30)
    assert replayed(recorded(values, from_weight=20), length=None, steps=steps).halted == 1.0
    late = replayed(recorded(values, from_weight=30), length=None, steps=steps)
    assert late.halted == pytest.approx(5 / 7)
    assert late.metrics[0].failed == pytest.approx(2 / 3)
    # The first of two minutes at each weight is not looked at.
    odd: Values = [90.0, 100.0] * 5
    warm = replayed(recorded(odd), length=None, steps=steps, warm_up=120.0)
    assert (warm.length, warm.releases) == (6, 5)
    assert warm.halted == pytest.approx(2 / 5)


def test_requests_are_counted_for_the_weight_of_each_step() -> None:
    served = recorded([100.0] * 4, requests=[600.0] * 4, min_requests=400)
    assert replayed(served).halted == 1.0
    [metric] = replayed(served).metrics
    assert (metric.good, [step.enough for step in metric.steps]) == (1.0, [0.0, 1.0])
    assert [proposal.threshold for proposal in metric.proposals] == [None, None]


def test_the_weights_of_a_release_share_its_length_as_their_holds_do() -> None:
    listed = (Step(weight=5, hold=600), Step(weight=50), Step(weight=100, hold=300))
    spec = replayed_spec(steps=Steps(listed=listed, maximum=100))
    own = schedule(spec, 60.0, None)
    assert [(stage.weight, stage.checks) for stage in own.stages] == [(5, 10), (50, 1), (100, 5)]
    twice = schedule(spec, 60.0, 1920.0)
    assert [(stage.weight, stage.checks) for stage in twice.stages] == [(5, 20), (50, 2), (100, 10)]
    short = schedule(spec, 60.0, 180.0)
    assert [(stage.weight, stage.checks) for stage in short.stages] == [(5, 2), (100, 1)]
    assert [(look.place, look.since, look.weight) for look in short.looks] == [(1, 0, 5), (2, 0, 5), (3, 2, 100)]


@pytest.mark.parametrize(("count", "share"), [(600, 0.01), (10_000, 0.5), (100_000, 0.1), (7, 0.9)])
def test_what_is_drawn_has_the_mean_and_the_spread_of_a_binomial_distribution(count: int, share: float) -> None:
    random = Random(1)  # noqa: S311 - no secret
    found = [drawn(count, share, random) for _ in range(800)]
    spread = (count * share * (1 - share)) ** 0.5
    assert mean(found) == pytest.approx(count * share, abs=5 * spread / 800**0.5)
    assert stdev(found) == pytest.approx(spread, rel=0.15)


def test_too_few_requests_of_the_primary_are_no_data() -> None:
    [metric] = replayed(recorded([90.0, 100.0, 100.0], requests=[9.0, 10.0, None], min_requests=10)).metrics
    assert metric.inconclusive == pytest.approx(2 / 3)
    assert metric.good == pytest.approx(1 / 3)


def test_a_metric_without_values_says_so_and_leaves_the_others_alone() -> None:
    unasked = Recorded(check=Check(name="other", interval="1m"), metric=LATENCY, values=[], requests=[], problem="away")
    test = replayed(recorded([None, None], LATENCY), unasked, recorded([100.0, 100.0]))
    assert [metric.problem.split(".")[0] for metric in test.metrics] == [
        "no value of the primary in this time",
        "away",
        "",
    ]
    assert (test.has_values, test.halted) == (True, 0.0)
    nothing = replayed(recorded([None, None]))
    assert (nothing.has_values, nothing.releases, nothing.halted, nothing.ended) == (False, 0, None, None)


def test_a_time_that_is_shorter_than_a_release_has_none() -> None:
    test = replayed(recorded([None, None, 100.0]))
    assert (test.checks, test.releases, test.halted, test.ended, test.metrics[0].halted) == (1, 0, None, None, None)
    assert "that is less than a release of 2 checks takes" in backtest_words.text([test])


def test_requests_at_a_step_are_the_share_of_what_the_primary_served() -> None:
    check = Check(name="success", interval="1m", min_requests=50)
    served: Values = [None, *[600.0] * 8, 1200.0]
    few, many = step_requests(served, check, [5, 50])
    assert (few.weight, few.typical, few.quiet, few.seconds) == (5, 30.0, 30.0, 100.0)
    assert (many.weight, many.typical, many.quiet, many.seconds) == (50, 300.0, 300.0, 10.0)
    assert few.enough == pytest.approx(0.1)
    assert many.enough == pytest.approx(0.9)
    assert step_requests(served, Check(name="success", interval="1m"), [5])[0].enough is None
    assert step_requests([0.0, None], check, [5]) == step_requests([], check, [5]) == ()
    assert step_requests([0.0, 0.0, 9.0], check, [5])[0].seconds is None


def test_values_are_put_where_their_check_is() -> None:
    window = Window(begin=BEGIN, end=BEGIN + timedelta(minutes=3), step=60.0)
    points = [(BEGIN, 1.0), (BEGIN + timedelta(minutes=1), None), (BEGIN + timedelta(seconds=120.001), 2.0)]
    assert places(window) == 4
    assert on_grid([*points, (BEGIN + timedelta(minutes=9), 3.0)], window) == [1.0, None, 2.0, None]


def test_the_text_tells_all_of_it() -> None:
    test = replayed(recorded(VALUES, requests=[600.0] * 11, min_requests=250), recorded(VALUES, observe=True))
    lines = backtest_words.text([test]).splitlines(keepends=True)
    assert "".join(line for line in lines if "█" not in line) == (
        "web.test\n"
        "  from 2026-01-01T00:01:00Z to 2026-01-01T00:10:00Z: 10 checks, one each 1m\n"
        "  before 2026-01-01T00:01:00Z the metrics server has no value\n"
        "  of 9 releases of 2 checks in which nothing was wrong\n"
        "    77.8 % would have halted at least once\n"
        "    33.3 % would have been rolled back (failureLimit 1)\n"
        "  success rate (success): at least 99 percent\n"
        "    checks: 60.0 % good, 30.0 % failed, 10.0 % inconclusive\n"
        "    releases: 77.8 % would have halted by it\n"
        "    threshold for 5 %: none, more of the releases have a check without data, or with too few requests\n"
        "    threshold for 1 %: none, more of the releases have a check without data, or with too few requests\n"
        "    at 50 %: 300 requests in 1m, 300 in quiet times; 250 (minRequests) in 100.0 % of the checks, they take "
        "50s\n"
        "    at 100 %: 600 requests in 1m, 600 in quiet times; 250 (minRequests) in 100.0 % of the checks, they take "
        "25s\n"
        "  success rate (success), observed only: at least 99 percent\n"
        "    checks: 60.0 % good, 30.0 % failed, 10.0 % inconclusive\n"
        "    releases: 77.8 % would have halted by it\n"
        "    threshold for 5 %: none, more of the releases have a check without data\n"
        "    threshold for 1 %: none, more of the releases have a check without data\n"
    )


def test_a_curve_has_the_worst_value_of_each_part_of_the_time_and_when_releases_halt() -> None:
    values: Values = [100.0] * 600
    values[100] = values[101] = 0.0
    lines = backtest_words.text([replayed(recorded(values), length=None)]).splitlines()
    [halted] = [line for line in lines if "halted by when they begin" in line]
    [curve] = [line for line in lines if line.endswith("0 to 100")]
    assert halted == f"    halted by when they begin  {'▁' * 9}▅{'▁' * 50}  60.0 % at most"
    assert curve == f"    {'█' * 10}▁{'█' * 49}  0 to 100"


def test_markup_in_words_of_others_is_none_in_a_comment() -> None:
    hostile = Metric(name="<b>|@all", title="<img src=x>|`", unit="", bound="maximum")
    item = Recorded(
        check=Check(name=hostile.name, interval="1m", threshold=1.0),
        metric=hostile,
        values=[],
        requests=[],
        problem="</details>|<script>",
    )
    text = backtest_words.markdown([replayed(recorded([100.0] * 3), item)])
    assert not [word for word in ("<img", "<script", "</details>|", "@all", "<b>") if word in text]
    assert text.count("</details>") == 1


@pytest.mark.parametrize(
    ("bound", "value", "text"),
    [
        ("minimum", 99.99981234, "99.9998"),
        ("maximum", 271.34812, "271.349"),
        ("maximum", 1234567.2, "1234568"),
        ("minimum", 0.0, "0"),
    ],
)
def test_a_threshold_is_written_in_few_digits_on_the_side_that_forgives(bound: str, value: float, text: str) -> None:
    assert readable(value, down=bound == "minimum") == text


def test_the_metrics_of_programs_have_the_same_numbers() -> None:
    test = replayed(recorded(VALUES))
    [rollout] = backtest_words.data([test])["rollouts"]
    metric: MetricTest = test.metrics[0]
    assert (rollout["halted"], rollout["ended"], rollout["releases"]) == (test.halted, test.ended, 9)
    assert rollout["metrics"][0]["checks"] == {"failed": metric.failed, "inconclusive": 0.1, "good": 0.6}
