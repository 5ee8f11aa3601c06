"""The page and the picture of a backtest: what is on them, and that text of others stays text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from reconcile.lookback import backtest_page
from tests.unit.lookback.backtests import made
from tests.unit.lookback.test_page import HOSTILE, SVG, check_page, check_picture

if TYPE_CHECKING:
    from reconcile.lookback.backtest import Backtest


def test_the_page_has_what_is_said_the_pictures_and_the_queries() -> None:
    text = backtest_page.html([made()])
    reader = check_page(text)
    told = "".join(reader.texts)
    assert "Backtest of podinfo.test" in told
    assert "% would have been rolled back (failureLimit 1)" in told
    assert "threshold for 5 %: " in told
    assert "comparison: found a canary worse in " in told
    assert "at 10 %: 60 requests in 1m" in told
    assert "sum(plain)" in told
    assert sum(value == "img" for name, value in reader.attributes if name == "role") == 3


def test_the_picture_has_words_for_those_who_cannot_see_it() -> None:
    test = made()
    root = check_picture(backtest_page.svg([test]))
    assert root.findtext(f"{SVG}title") == f"Backtest of podinfo.test: {backtest_page.outcome(test)[0]}"
    words = root.findtext(f"{SVG}desc") or ""
    assert "The share of releases that would have halted, by when they begin: " in words
    assert "success rate: values from 97 to 100 %, good is at least 99 percent; at most 2 times the primary." in words


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    assert check_page(backtest_page.html([made(text)])).tags == check_page(backtest_page.html([made()])).tags
    check_picture(backtest_page.svg([made(text)]))


def without_values() -> Backtest:
    test = made()
    metrics = tuple(
        replace(metric, problem="away", proposals=(), steps=(), halted=None, worse=None) for metric in test.metrics
    )
    return replace(test, metrics=metrics, checks=0, releases=0, halted=None, ended=None, alarms=())


@pytest.mark.parametrize("of_metrics", [slice(None), slice(0)], ids=["no values", "none"])
def test_a_backtest_without_values_is_a_page_too(of_metrics: slice) -> None:
    test = without_values()
    test = replace(test, metrics=test.metrics[of_metrics])
    reader = check_page(backtest_page.html([test, test]))
    assert ("away" in reader.texts) == bool(test.metrics)
    assert "No release was replayed." in "".join(reader.texts)
    check_picture(backtest_page.svg([test]))


@pytest.mark.parametrize(("halted", "look"), [(0.05, "good"), (0.051, "bad"), (None, "open")])
def test_the_outcome_is_how_many_false_alarms_there_are(halted: float | None, look: str) -> None:
    assert backtest_page.outcome(replace(made(), halted=halted))[1] == look
