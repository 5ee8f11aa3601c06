"""Durations as Prometheus writes them and as Go prints them."""

from __future__ import annotations

import pytest

from reconcile.durations import go_text, seconds


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("30s", 30.0),
        ("1m", 60.0),
        ("90s", 90.0),
        ("1h", 3600.0),
        ("1h30m", 5400.0),
        ("500ms", 0.5),
        ("1d", 86_400.0),
        ("1w", 604_800.0),
        ("1y", 31_536_000.0),
        ("1y1w1d1h1m1s1ms", 32_230_861.001),
        ("0s", 0.0),
        ("007m", 420.0),
    ],
)
def test_promql_durations_have_seconds(text: str, value: float) -> None:
    assert seconds(text) == pytest.approx(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "m",
        "1M",
        "1.5m",
        "-1m",
        "+1m",
        " 1m",
        "1m ",
        "1m\n",
        "1s1m",
        "1m1m",
        "1ms1s",
        "1µs",
        "1H",
        "٣m",
        "9999999999s",
    ],
)
def test_everything_else_is_no_duration(text: str) -> None:
    assert seconds(text) is None


@pytest.mark.parametrize(
    ("milliseconds", "digits", "text"),
    [
        (0.0, 0, "0s"),
        (-0.0, 0, "0s"),
        (0.4, 0, "0s"),
        (0.4, 1, "400µs"),
        (0.0015, 4, "1.5µs"),
        (1.0, 0, "1ms"),
        (823.0, 0, "823ms"),
        (500.2, 1, "500.2ms"),
        (999.6, 0, "1s"),
        (1000.0, 0, "1s"),
        (2525.0, 0, "2.525s"),
        (2525.25, 2, "2.52525s"),
        (59_999.9, 0, "1m0s"),
        (60_500.0, 0, "1m0.5s"),
        (3_600_000.0, 0, "1h0m0s"),
        (90_061_001.0, 0, "25h1m1.001s"),
        (-2525.0, 0, "-2.525s"),
    ],
)
def test_durations_are_printed_as_go_prints_them(milliseconds: float, digits: int, text: str) -> None:
    assert go_text(milliseconds, digits) == text
