"""Durations as Prometheus writes them and as Go prints them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from reconcile.model.durations import go_text, seconds


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
    ("milliseconds", "text"),
    [
        ("0", "0s"),
        ("-0.0", "0s"),
        ("0.4", "400µs"),
        ("0.0015", "1.5µs"),
        ("1", "1ms"),
        ("823", "823ms"),
        ("500.20", "500.2ms"),
        ("999.9999999999999", "999.9999999999999ms"),
        ("1000", "1s"),
        ("2525", "2.525s"),
        ("2525.25", "2.52525s"),
        ("60000", "1m0s"),
        ("60500", "1m0.5s"),
        ("3600000", "1h0m0s"),
        ("90061001", "25h1m1.001s"),
        ("-2525", "-2.525s"),
        ("1E+3", "1s"),
    ],
)
def test_durations_are_printed_as_go_prints_them(milliseconds: str, text: str) -> None:
    assert go_text(Decimal(milliseconds)) == text


def test_no_duration_is_too_long_or_too_short_to_be_printed() -> None:
    assert go_text(Decimal(repr(1e300))).endswith("h46m40s")
    assert go_text(Decimal(repr(5e-324))).startswith("0.0000")
