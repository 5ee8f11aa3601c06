"""Events and ages as kubectl prints them."""

from __future__ import annotations

import pytest

from reconcile.report.events import age, events_table
from tests.unit.report.factory import NOW, STORED_EVENTS


def test_events_are_printed_as_kubectl_does() -> None:
    assert (
        events_table(STORED_EVENTS, NOW)
        == """\
Type     Reason  Age               From     Message
----     ------  ---               ----     -------
Normal   Synced  5m                steerer  Starting rollout for podinfo.test
Normal   Synced  5m                steerer  Advance rollout podinfo.test weight 10
Warning  Synced  45s (x4 over 3m)  steerer  Halt rollout podinfo.test request duration 2.525s > 500ms
"""
    )


def test_no_events_are_none() -> None:
    assert events_table([], NOW) == "<none>\n"


def test_events_of_the_newer_kind_are_read_too() -> None:
    newer = {
        "type": "Normal",
        "reason": "Synced",
        "message": " Starting \n",
        "eventTime": "2026-01-31T11:00:00.123456Z",
        "series": {"count": 3, "lastObservedTime": "2026-01-31T11:59:00.5Z"},
        "reportingComponent": "steerer",
        "source": {"host": "node-1"},
    }

    assert events_table([newer], NOW).splitlines()[-1] == "Normal  Synced  59s (x3 over 59m)  steerer, node-1  Starting"


def test_an_event_without_a_time_comes_first() -> None:
    lines = events_table([*STORED_EVENTS, {"message": "odd", "count": "many"}], NOW).splitlines()

    assert lines[2].split() == ["<unknown>", "odd"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119.9, "119s"),
        (120, "2m"),
        (185, "3m5s"),
        (600, "10m"),
        (3 * 3600 - 1, "179m"),
        (3 * 3600, "3h"),
        (5 * 3600 + 600, "5h10m"),
        (9 * 3600 + 600, "9h"),
        (2 * 86_400, "2d"),
        (2 * 86_400 + 7200, "2d2h"),
        (9 * 86_400 + 7200, "9d"),
        (3 * 31_536_000 + 86_400, "3y1d"),
        (9 * 31_536_000, "9y"),
    ],
)
def test_ages_are_those_of_kubectl(seconds: float, words: str) -> None:
    assert age(seconds) == words
