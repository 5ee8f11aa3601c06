"""How a response changes the rate limit."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconcile.metrics.backoff import FIRST_DELAY, MAX_CONCURRENCY, MAX_REFUSALS, Backoff, retry_after

START = Backoff()
NOW, DEADLINE = 100.0, 130.0


def refused(backoff: Backoff, epoch: int | None = None, wait: float | None = None) -> Backoff:
    return backoff.after_refusal(backoff.epoch if epoch is None else epoch, "HTTP 429", NOW, wait, DEADLINE)


def test_a_refusal_leaves_one_at_a_time_after_a_pause() -> None:
    backoff = refused(START)
    assert (backoff.concurrency, backoff.not_before, backoff.stopped) == (1, NOW + FIRST_DELAY, "")


def test_a_server_that_answers_again_is_asked_one_more_at_once_each_time() -> None:
    backoff = refused(START)
    for more in range(2, MAX_CONCURRENCY + 3):
        backoff = backoff.after_response(backoff.epoch)
        assert (backoff.concurrency, backoff.refusals) == (min(more, MAX_CONCURRENCY), 0)


def test_those_that_were_under_way_count_no_further() -> None:
    backoff = refused(START)
    for _ in range(MAX_CONCURRENCY):
        assert refused(backoff, epoch=0) == backoff
        assert backoff.after_response(0) == backoff


def test_but_the_longest_wait_that_is_asked_for_counts() -> None:
    backoff = refused(refused(START, wait=2.0), epoch=0, wait=5.0)
    assert backoff.not_before == NOW + 5
    assert refused(backoff, epoch=0, wait=1.0).not_before == NOW + 5


def test_the_pause_grows() -> None:
    assert refused(refused(START)).not_before == NOW + 2 * FIRST_DELAY


def test_a_few_refusals_in_a_row_end_it() -> None:
    backoff = START
    for _ in range(MAX_REFUSALS - 1):
        backoff = refused(backoff, wait=0.0)
        assert not backoff.stopped
    assert refused(backoff).stopped == "HTTP 429, 3 times in a row; nothing more is asked in this pass"
    assert not refused(backoff.after_response(backoff.epoch)).stopped


def test_a_wait_beyond_the_end_ends_it_at_once() -> None:
    words = "HTTP 429, and is to be left alone for longer than this pass has; nothing more is asked in it"
    assert refused(START, wait=30.0).stopped == words
    assert refused(refused(START), epoch=0, wait=30.0).stopped == words
    assert not refused(START, wait=29.0).stopped


def test_the_first_reason_stays() -> None:
    over = refused(START, wait=30.0)
    assert refused(refused(over)).stopped == over.stopped


def test_a_query_that_was_given_up_halves_what_is_asked_at_once() -> None:
    backoff, seen = START, []
    for _ in range(5):
        backoff = backoff.after_query_timeout()
        seen.append(backoff.concurrency)
    assert seen == [8, 4, 2, 1, 1]
    assert not backoff.stopped


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


@example("0 APR 0 0:3000000000", "")  # a time that no clock can count to
@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d{1,4} [A-Z][a-z]{2} \d{1,6} \d+:\d+:\d+ .{0,6}"), st.text())
def test_no_retry_after_raises(value: str, date: str) -> None:
    for seconds in (retry_after(value, date), retry_after(value, value)):
        assert seconds is None or seconds >= 0
