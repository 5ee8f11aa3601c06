"""The figures of `make backtest`: the page has those of a run that met its bounds."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from tests.prometheus import weeks


def test_the_page_has_the_picture_of_a_run() -> None:
    svg = ET.fromstring(weeks.PICTURE.read_text(encoding="utf-8"))  # noqa: S314 - a file of this repository
    told = {child.tag.rpartition("}")[2]: child.text or "" for child in svg}
    assert told["title"].startswith("Backtest of podinfo.test: ")
    assert "success rate: values from " in told["desc"]
    assert f"({weeks.PICTURE.name})" in weeks.RECORD.page.read_text(encoding="utf-8")


def test_the_figures_of_the_page_are_those_of_a_run_within_its_bounds() -> None:
    weeks.RECORD.check()
    figures = weeks.RECORD.kept()
    assert weeks.broken(figures) == []
    assert set(figures["cases"]) == set(weeks.CASES)
    slow = figures["cases"]["thresholds"] | {"seconds": weeks.SECONDS + 0.1}
    assert weeks.broken({"cases": {"slow": slow}}) == ["slow"]
