"""The replay of a time that is over: against replays by hand, and against the rules of a pass, check by check."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from reconcile.core.case import attempts
from reconcile.core.judgement import Reading, judge
from reconcile.lookback import backtest_words
from reconcile.lookback.backtest import Backtest, MetricTest, Proposal, Recorded, Values, on_grid, places, replay
from reconcile.lookback.backtest_words import readable
from reconcile.lookback.step_requests import step_requests
from reconcile.model.checks import Check, Comparison, OnNoData
from reconcile.model.kinds import ROLLOUT, Ref
from reconcile.model.measurement import Answer, Failure, Metric, Range
from reconcile.model.policy import FailurePolicy, OnFailure, Steps
from reconcile.model.rollout import Attempt, Spec
from reconcile.model.series import Window

if TYPE_CHECKING:
    from reconcile.core.case import Case

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
SUCCESS = Metric(name="success", title="success rate", unit="percent", bound="minimum", requests=True)
LATENCY = Metric(name="latency", title="request duration", unit="milliseconds", bound="maximum")
ROLLBACK = FailurePolicy(on_failure=OnFailure.ROLLBACK, failure_limit=1)
# One check a minute; releases take two. The first of these is before the first value.
VALUES: Values = [None, 100.0, 98.0, 100.0, 100.0, None, 100.0, 97.0, 96.0, 100.0, 100.0]


def recorded(values: Values, metric: Metric = SUCCESS, requests: Values | None = None, **check: Any) -> Recorded:
    made = Check(name=metric.name, interval="1m", **({"threshold": 99.0} | check))
    return Recorded(check=made, metric=metric, values=values, requests=requests or [], query="query")


def replayed(*metrics: Recorded, failure: FailurePolicy = ROLLBACK, length: float = 120.0) -> Backtest:
    spec = Spec(
        routes=(),
        primary="web",
        primary_host="web",
        canary="web-canary",
        canary_host="web-canary",
        steps=Steps(size=50),
        checks=tuple(item.check for item in metrics),
        failure=failure,
    )
    count = max(len(item.values) for item in metrics)
    window = Window(begin=BEGIN, end=BEGIN + timedelta(minutes=count - 1), step=60.0)
    return replay(Ref(ROLLOUT, "test", "web"), spec, metrics, window, length)


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
    deadline = FailurePolicy(on_failure=OnFailure.ROLLBACK, deadline=60.0)
    assert replayed(recorded(VALUES), failure=halts).ended is None
    assert replayed(recorded(VALUES), failure=deadline).ended is None


def by_the_rules_of_a_pass(items: list[Recorded], failure: FailurePolicy, count: int) -> tuple[float, float]:
    """Replays every release check by check, with the verdicts and the counts of the core."""
    length = len(items[0].values)
    halted = ended = 0
    for start in range(length - count + 1):
        attempt, good, halts, ends = Attempt(), 0, False, False
        for place in range(start, length):
            measured = [judge(reading(item, item.values[place]), BEGIN) for item in items]
            case = SimpleNamespace(
                attempt=attempt,
                now=BEGIN,
                least_interval=0.0,
                spec=SimpleNamespace(failure=failure),
                record=SimpleNamespace(orders=SimpleNamespace(is_paused=False)),
                seconds_since=lambda _: 60.0,
            )
            attempt = attempts.checked(cast("Case", case), measured)
            passed = all(one.passed for one in measured)
            halts, good = halts or not passed, good + passed
            ends = bool(attempts.used_up(cast("Case", case), attempt))
            if ends or good == count:
                break
        halted, ended = halted + halts, ended + ends
    return halted / (length - count + 1), ended / (length - count + 1)


def reading(item: Recorded, value: float | None) -> Reading:
    empty = Answer(failure=Failure.NO_DATA, is_empty=True)
    return Reading(
        check=item.check, metric=item.metric, answer=empty if value is None else Answer(value=value), weight=10
    )


@pytest.mark.parametrize("seed", range(30))
def test_every_release_ends_as_passes_would_have_ended_it(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - no secret
    kinds = random.choices([*OnNoData], k=2)
    slow: Values = [1.0, *random.choices([1.0, 9.0, None], [9, 1, 1], k=60)]
    items = [
        recorded([100.0, *random.choices([100.0, 99.0, 98.0, None], [8, 4, 3, 2], k=60)], on_no_data=kinds[0]),
        recorded(slow, LATENCY, threshold=5.0, on_no_data=kinds[1]),
        recorded([0.0] * 61, observe=True),
    ]
    failure = FailurePolicy(
        on_failure=random.choice([OnFailure.ROLLBACK, OnFailure.PAUSE]),
        failure_limit=random.choice([None, 0, 1, 3]),
        consecutive_failure_limit=random.choice([0, 1, 2]),
    )
    count = random.choice([1, 2, 5, 12])
    test = replayed(*items, failure=failure, length=count * 60.0)
    halted, ended = by_the_rules_of_a_pass(items, failure, count)
    assert test.halted == pytest.approx(halted)
    assert test.ended == pytest.approx(ended)


@pytest.mark.parametrize(("metric", "sign"), [(SUCCESS, -1), (LATENCY, 1)])
def test_a_threshold_that_is_proposed_gives_the_share_it_is_proposed_for(metric: Metric, sign: int) -> None:
    random = Random(16)  # noqa: S311 - no secret
    values: Values = [100.0 + sign * random.expovariate(1.0) for _ in range(2000)]
    [before] = replayed(recorded(values, metric, threshold=100.0), length=600.0).metrics
    assert before.halted == 1.0
    for proposal in before.proposals:
        assert proposal.threshold is not None
        [after] = replayed(recorded(values, metric, threshold=proposal.threshold), length=600.0).metrics
        assert after.halted is not None
        assert after.halted == proposal.halted
        # A release shares its worst check with up to nine others: a threshold takes all of them or none.
        assert proposal.target / 100 - 10 / 1991 < after.halted <= proposal.target / 100
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


def test_a_range_and_a_comparison_are_replayed_as_far_as_they_say_anything_of_the_primary() -> None:
    [ranged] = replayed(recorded([1.0, 3.0, 9.0, 5.0], LATENCY, threshold=None, range=Range(least=2, most=5))).metrics
    assert (ranged.failed, ranged.proposals) == (0.5, ())
    beside = Comparison(max_ratio=1.0)
    [compared] = replayed(recorded([1.0, 3.0], LATENCY, threshold=None, comparison=beside)).metrics
    assert (compared.good, compared.proposals) == (1.0, ())


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
    test = replayed(recorded(VALUES, requests=[600.0] * 11, min_requests=500), recorded(VALUES, observe=True))
    assert backtest_words.text([test]) == (
        "web.test\n"
        "  from 2026-01-01T00:01:00Z to 2026-01-01T00:10:00Z: 10 checks, one each 1m\n"
        "  before 2026-01-01T00:01:00Z the metrics server has no value\n"
        "  of 9 releases of 2 checks in which nothing was wrong\n"
        "    77.8 % would have halted at least once\n"
        "    33.3 % would have been rolled back (failureLimit 1)\n"
        "  success rate (success): at least 99 percent\n"
        "    checks: 60.0 % good, 30.0 % failed, 10.0 % inconclusive\n"
        "    releases: 77.8 % would have halted by it\n"
        "    threshold for 5 %: none, more of the releases have a check without data\n"
        "    threshold for 1 %: none, more of the releases have a check without data\n"
        "    at 50 %: 300 requests in 1m, 300 in quiet times; 500 (minRequests) in 0.0 % of the checks, they take "
        "1m40s, longer than the interval\n"
        "    at 100 %: 600 requests in 1m, 600 in quiet times; 500 (minRequests) in 100.0 % of the checks, they take "
        "50s\n"
        "  success rate (success), observed only: at least 99 percent\n"
        "    checks: 60.0 % good, 30.0 % failed, 10.0 % inconclusive\n"
        "    releases: 77.8 % would have halted by it\n"
        "    threshold for 5 %: none, more of the releases have a check without data\n"
        "    threshold for 1 %: none, more of the releases have a check without data\n"
    )


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
