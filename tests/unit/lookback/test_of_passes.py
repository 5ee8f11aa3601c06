"""What is collected from the records of passes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reconcile.lookback.words import bound_words
from reconcile.model.measurement import Range, good_values
from tests.unit.lookback.release import simulated


def test_the_demonstration_has_its_weights_halts_checks_and_events() -> None:
    history = simulated("demo")
    start = history.begin
    assert [weight for _, weight in history.weights] == [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 0]
    halts = [((span.begin - start).seconds, (span.end - start).seconds, span.kind) for span in history.spans]
    assert halts == [(30, 60, "halt"), (90, 120, "halt"), (170, 180, "halt")]
    rate, duration = history.metrics
    assert (rate.title, rate.least, rate.most, rate.bound) == ("success rate", 99, None, "at least 99")
    assert (duration.title, duration.unit, duration.most) == ("request duration", "milliseconds", 500)
    assert [check.value for check in duration.checks if check.good is False] == [2525, 1567, 823]
    assert [item.text.split()[-1] for item in history.happened if item.kind == "Halted"] == [
        "500ms",
        "99%",
        "available",
    ]
    assert (history.phase, history.happened[-1].kind) == ("Succeeded", "Promoted")
    assert history.end == start + timedelta(seconds=200)


def test_a_person_is_named_with_what_was_asked_for_and_what_became_of_it() -> None:
    acts = simulated("actions").acts
    assert [act.action for act in acts] == ["pause", "abort", "retry", "promote"]
    assert all(act.at and act.outcome for act in acts)


def test_a_hold_is_no_halt_and_ends_with_the_approval() -> None:
    history = simulated("approval")
    held = [span for span in history.spans if span.kind == "hold"]
    assert len(held) == 1
    assert held[0].text.startswith("waiting for an approval to leave 50 %")


@pytest.mark.parametrize(
    ("bound", "good", "words"),
    [
        ("minimum", Range(least=99), "at least 99"),
        ("maximum", Range(most=99), "at most 99"),
        ("", Range(), ""),
    ],
)
def test_a_threshold_is_one_end_of_the_good_values(bound: str, good: Range, words: str) -> None:
    assert good_values(bound, 99, None) == good
    assert bound_words(good) == words


def test_a_range_has_two_ends() -> None:
    asked = Range(least=1, most=2.5)
    assert good_values("minimum", None, asked) == asked
    assert bound_words(asked) == "1 to 2.5"
