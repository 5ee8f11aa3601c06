"""How replies change what is asked next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.metrics.backoff import MOST_REFUSALS, PAUSE, WORKERS, Pace, retry_after

FULL = Pace()
NOW, END = 100.0, 130.0


def refused(pace: Pace, wave: int | None = None, wait: float | None = None) -> Pace:
    return pace.refused(pace.wave if wave is None else wave, "HTTP 429", NOW, wait, END)


def test_a_refusal_leaves_one_at_a_time_after_a_pause() -> None:
    pace = refused(FULL)
    assert (pace.most, pace.after, pace.why) == (1, NOW + PAUSE, "")


def test_a_server_that_answers_again_is_asked_one_more_at_once_each_time() -> None:
    pace = refused(FULL)
    for more in range(2, WORKERS + 3):
        pace = pace.answered(pace.wave)
        assert (pace.most, pace.refusals) == (min(more, WORKERS), 0)


def test_those_that_were_under_way_count_no_further() -> None:
    pace = refused(FULL)
    for _ in range(WORKERS):
        assert refused(pace, wave=0) == pace
        assert pace.answered(0) == pace


def test_but_the_longest_wait_that_is_asked_for_counts() -> None:
    pace = refused(refused(FULL, wait=2.0), wave=0, wait=5.0)
    assert pace.after == NOW + 5
    assert refused(pace, wave=0, wait=1.0).after == NOW + 5


def test_the_pause_grows() -> None:
    assert refused(refused(FULL)).after == NOW + 2 * PAUSE


def test_a_few_refusals_in_a_row_end_it() -> None:
    pace = FULL
    for _ in range(MOST_REFUSALS - 1):
        pace = refused(pace, wait=0.0)
        assert not pace.why
    assert refused(pace).why == "HTTP 429, 3 times in a row; nothing more is asked in this pass"
    assert not refused(pace.answered(pace.wave)).why


def test_a_wait_beyond_the_end_ends_it_at_once() -> None:
    words = "HTTP 429, and is to be left alone for longer than this pass has; nothing more is asked in it"
    assert refused(FULL, wait=30.0).why == words
    assert refused(refused(FULL), wave=0, wait=30.0).why == words
    assert not refused(FULL, wait=29.0).why


def test_the_first_reason_stays() -> None:
    over = refused(FULL, wait=30.0)
    assert refused(refused(over)).why == over.why


def test_a_query_that_was_given_up_halves_what_is_asked_at_once() -> None:
    pace, seen = FULL, []
    for _ in range(5):
        pace = pace.strained()
        seen.append(pace.most)
    assert seen == [8, 4, 2, 1, 1]
    assert not pace.why


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        ("0", "", 0.0),
        ("120", "", 120.0),
        ("Fri, 02 Jan 2026 03:04:35 GMT", "Fri, 02 Jan 2026 03:04:05 GMT", 30.0),
        ("Fri, 02 Jan 2026 03:04:05 GMT", "Fri, 02 Jan 2026 03:04:35 GMT", 0.0),
        ("", "Fri, 02 Jan 2026 03:04:05 GMT", None),
        ("Fri, 02 Jan 2026 03:04:35 GMT", "", None),
        ("Fri, 02 Jan 2026 03:04:35 GMT", "Fri, 02 Jan 2026 03:04:05 -0000", None),
        ("-1", "", None),
        ("1.5", "", None),
        ("٣", "", None),
        ("9" * 5000, "", None),
        ("soon", "later", None),
    ],
)
def test_retry_after(value: str, date: str, seconds: float | None) -> None:
    assert retry_after(value, date) == seconds


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d{1,4} [A-Z][a-z]{2} \d{1,6} \d+:\d+:\d+ .{0,6}"), st.text())
def test_no_retry_after_raises(value: str, date: str) -> None:
    for seconds in (retry_after(value, date), retry_after(value, value)):
        assert seconds is None or seconds >= 0
