"""What a metrics server answers before a release."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from reconcile.model.measurement import Answer, Asks, Failure
from reconcile.preflight.checks import FOLDER
from reconcile.preflight.examination import examine
from reconcile.preflight.queries import questions
from tests.support.world import DURATION, METRICS, standard
from tests.unit.preflight.examining import ANALYSIS, examined, findings_of, metric, subjects_of


def queried(*answers: Answer) -> list[tuple[str, str, str, str]]:
    every = findings_of(examined(standard(), FOLDER, *answers))
    assert {check for check, _ in every} <= {"queries"}
    return [(str(item.level), item.path, item.message, item.advice) for _, item in every]


def test_answers_are_seen() -> None:
    (subject,) = subjects_of(standard())
    (result,) = examined(standard(), FOLDER, Answer(value=100.0), Answer(value=150.0))
    seen = next(item.summary for item in result.results if item.check == "queries")
    assert seen == "success rate 100.00% >= 99%; request duration 150ms <= 500ms"
    assert examine(subject, FOLDER).rollout == subject.case.rollout.ref


@pytest.mark.parametrize(
    ("answer", "level", "words"),
    [
        (Answer(failure=Failure.NO_DATA), "warning", "success rate: no data"),
        (Answer(failure=Failure.NOT_A_NUMBER), "warning", "success rate: not a number"),
        (Answer(value=50.0), "warning", "success rate 50.00% < 99%"),
        (Answer(failure=Failure.SEVERAL_SERIES, detail="3"), "error", "success rate: several series (3)"),
        (Answer(failure=Failure.WRONG_TYPE), "error", "success rate: wrong type"),
        (Answer(failure=Failure.QUERY_ERROR, detail="bad"), "error", "success rate: error from Prometheus (bad)"),
        (Answer(failure=Failure.TEMPLATE, detail="x"), "error", "success rate: template error (x)"),
    ],
)
def test_no_data_yet_is_a_warning_and_a_broken_query_an_error(answer: Answer, level: str, words: str) -> None:
    assert queried(answer) == [(level, f"{ANALYSIS}.metrics[0]", words, "")]


@pytest.mark.parametrize(
    ("primary", "words"),
    [
        (Answer(value=99.0), "; its primary podinfo has a value, so the canary needs traffic alone"),
        (Answer(failure=Failure.NO_DATA), "; nor has its primary podinfo: if that has traffic, a release would halt"),
        (Answer(failure=Failure.NOT_A_NUMBER), "; nor has its primary podinfo: "),
        (Answer(failure=Failure.WRONG_TYPE), ""),
        (Answer(failure=Failure.NO_DATA, query="up"), ""),
    ],
)
def test_a_metric_without_series_of_either_is_told_apart_from_a_canary_without_traffic(
    primary: Answer, words: str
) -> None:
    items = standard(metrics=[metric()])
    [(_, found)] = findings_of(examined(items, FOLDER, Answer(failure=Failure.NO_DATA, query="up"), primary))
    assert found.message.startswith(f"success rate: no data{words}")
    assert (words == "") is (found.message == "success rate: no data")


def test_the_query_is_shown_beside_what_came_of_it() -> None:
    answer = Answer(failure=Failure.NO_DATA, query="sum(\n  x)")
    assert queried(answer)[0][3] == "query: sum( x)"


def test_a_server_that_cannot_be_asked_is_told_once() -> None:
    broken = Answer(failure=Failure.UNREACHABLE, detail="no metrics server is named")
    assert queried(broken, broken) == [("error", "", "no metrics server is named", "")]


def test_a_metric_that_is_listed_twice_is_held_against_each_of_its_thresholds() -> None:
    items = standard(metrics=[metric(threshold=90), metric(threshold=99, interval="45s")])
    found = findings_of(examined(items, FOLDER, Answer(value=95.0), Answer(value=95.0)))
    assert [(item.path, item.message) for _, item in found] == [(f"{ANALYSIS}.metrics[1]", "success rate 95.00% < 99%")]


TESTED = metric(comparison={"maxRatio": 1.5, "falseAlarmRate": 0.05}, minRequests=5)


@pytest.mark.parametrize(
    ("requests", "failures", "found"),
    [
        (Answer(value=5.0), Answer(failure=Failure.NO_DATA), []),
        (Answer(failure=Failure.UNREACHABLE), Answer(failure=Failure.NOT_A_NUMBER), []),
        (
            *(Answer(value=5.0), Answer(failure=Failure.TEMPLATE, detail="'threshold' is undefined")),
            ["istio_requests_total: failures: template error ('threshold' is undefined)"],
        ),
    ],
)
def test_a_count_that_cannot_be_asked_is_an_error(requests: Answer, failures: Answer, found: list[str]) -> None:
    every = findings_of(
        examined(standard(maxWeight=50, metrics=[TESTED]), FOLDER, Answer(value=99.0), requests, failures)
    )
    assert [(str(item.level), item.path, item.message) for _, item in every] == [
        ("error", f"{ANALYSIS}.metrics[0]", words) for words in found
    ]


def test_what_is_counted_is_asked_before_a_release_as_far_as_it_can_be() -> None:
    few, duration = metric(minRequests=5), metric(DURATION, 500, comparison=TESTED["comparison"])
    (subject,) = subjects_of(standard(metrics=[TESTED, few, duration, metric("none", minRequests=5)]))
    assert [question.asks for question in questions(subject)] == [
        *(Asks.VALUE, Asks.REQUESTS, Asks.FAILURES),
        *(Asks.VALUE, Asks.REQUESTS),
        Asks.VALUE,
        *[Asks.VALUE] * 3,  # of the primary
    ]


def test_a_comparison_is_not_made_before_a_release() -> None:
    compared = metric(comparison={"maxRatio": 1.5})
    assert not findings_of(examined(standard(maxWeight=50, metrics=[compared]), FOLDER, Answer(value=99.0)))


SLOWER = metric(DURATION, 400, comparison=TESTED["comparison"])


def beside_edges(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str, str]]:
    """Returns what is found of a threshold of 400 ms, with this answer about the edges of its histogram."""
    counting = replace(METRICS[DURATION], requests=True, failures=True, edges="count by (le) (x)")
    monkeypatch.setitem(METRICS, DURATION, counting)
    good = [Answer(value=number) for number in (150.0, 8.0, 0.0, 150.0)]
    found = findings_of(examined(standard(maxWeight=50, metrics=[SLOWER]), FOLDER, *good, answer))
    return [(str(item.level), item.path, item.message, item.advice) for _, item in found]


def edges(*labels: tuple[str, str]) -> Answer:
    return Answer(failure=Failure.SEVERAL_SERIES, labels=labels)


def test_a_threshold_that_is_no_edge_of_a_bucket_is_told_with_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    found = edges(*(("le", text) for text in ("500.0", "+Inf", "1e+06", "0.5", "250")), ("seconds", "0.1"), ("x", "9"))
    words = (
        "request duration: 400 milliseconds is no edge of a bucket, so that what is slower cannot be counted, and the "
        "comparison would have no data"
    )
    advice = "take an edge as the threshold: 0.5, 100, 250, 500"
    assert beside_edges(found, monkeypatch) == [("error", f"{ANALYSIS}.metrics[0]", words, advice)]


@pytest.mark.parametrize(
    "answer",
    [
        edges(("le", "400"), ("le", "500")),
        edges(("seconds", "0.4"), ("seconds", "0.5")),
        edges(),
        Answer(failure=Failure.NO_DATA),
        Answer(failure=Failure.UNREACHABLE),
        Answer(value=1.0),
    ],
)
def test_an_edge_and_edges_that_are_not_known_are_no_finding(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert beside_edges(answer, monkeypatch) == []


def test_a_query_of_edges_that_is_wrong_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    [(level, _, message, _)] = beside_edges(Answer(failure=Failure.QUERY_ERROR, detail="bad_data"), monkeypatch)
    assert (level, message) == ("error", f"{DURATION}: edges: error from Prometheus (bad_data)")
