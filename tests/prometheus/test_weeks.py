"""The figures of `make backtest`: the page has those of a run that met its bounds."""

from __future__ import annotations

from tests.prometheus import weeks


def test_the_figures_of_the_page_are_those_of_a_run_within_its_bounds() -> None:
    weeks.RECORD.check()
    figures = weeks.RECORD.kept()
    assert weeks.broken(figures) == []
    assert set(figures["cases"]) == set(weeks.CASES)
    slow = figures["cases"]["thresholds"] | {"seconds": weeks.SECONDS + 0.1}
    assert weeks.broken({"cases": {"slow": slow}}) == ["slow"]
