"""A report in a real Chromium: it runs and asks for nothing, and is readable on any width, in light and in dark."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from reconcile.lookback import backtest_page, page
from tests.unit.lookback.backtests import made as backtest
from tests.unit.lookback.release import made, simulated
from tests.unit.lookback.test_page import HOSTILE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconcile.lookback.backtest import Backtest
    from reconcile.lookback.history import History
    from tests.components.browser import Browser

# Made when a test asks for them: a simulation takes a while.
RELEASES: dict[str, Callable[[], History]] = {
    **{name: partial(simulated, name) for name in ("demo", "rollback", "approval", "actions")},
    "a hundred steps": partial(made, steps=100),
    "32 metrics": partial(made, steps=20, metrics=32),
    "hostile": partial(made, text="".join(HOSTILE[:-1]), name="".join(HOSTILE)),
}
BACKTESTS: dict[str, Callable[[], Backtest]] = {
    "backtest": backtest,
    "hostile backtest": partial(backtest, "".join(HOSTILE)),
}
WIDTHS = (360, 1000)
# Pairs of labels of one axis that overlap, and texts that stick out of the window.
OVERLAPS = """
const boxes = [...document.querySelectorAll('.across')].map(axis =>
  [...axis.children].filter(one => one.offsetParent).map(one => one.getBoundingClientRect()));
return boxes.flatMap(row => row.slice(1).map((box, index) => row[index].right - box.left)).filter(gap => gap > 0);
"""
# The contrast of each text with what is behind it, by the formula of WCAG 2; only what is too low.
CONTRAST = r"""
const parts = color => color.match(/[\d.]+/g).map(Number);
const light = color => parts(color).slice(0, 3).map(x => x / 255)
  .map(x => x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4)
  .reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0);
const behind = one => { for (; one; one = one.parentElement) {
  const color = getComputedStyle(one).backgroundColor; if (parts(color)[3] !== 0) return color; } };
const found = [];
for (const one of document.querySelectorAll('body *')) {
  const text = [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim());
  if (!text || one.closest('svg') || !one.offsetParent) continue;
  const [a, b] = [light(getComputedStyle(one).color), light(behind(one))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < 4.5) found.push([one.tagName, one.className, one.textContent.slice(0, 40), ratio]);
}
return found;
"""


@pytest.fixture
def opened(browser: Browser, tmp_path: Path, request: pytest.FixtureRequest) -> Any:
    """Returns a function that opens a page or a picture, and looks whether it did anything that it must not."""

    def open_file(name: str, text: str) -> Browser:
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        browser.open(file)
        assert not browser.has_dialog()
        assert browser.complaints() == []
        assert {address for address in browser.asked_for() if not address.startswith("data:")} == {file.as_uri()}
        (tmp_path / f"{request.node.name[:40].replace('/', '-')}.png").write_bytes(browser.picture())
        return browser

    return open_file


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", RELEASES)
def test_a_page_is_quiet_and_readable(browser: Browser, opened: Any, name: str, width: int, *, dark: bool) -> None:
    check_page(browser, opened, page.html([RELEASES[name]()]), width=width, dark=dark)


@pytest.mark.parametrize(("width", "dark"), [(360, True), (1000, False)], ids=["phone", "screen"])
@pytest.mark.parametrize("name", BACKTESTS)
def test_a_backtest_is_quiet_and_readable(browser: Browser, opened: Any, name: str, width: int, *, dark: bool) -> None:
    check_page(browser, opened, backtest_page.html([BACKTESTS[name]()]), width=width, dark=dark)


def check_page(browser: Browser, opened: Any, text: str, *, width: int, dark: bool) -> None:
    """Opens a page, and looks at what it does, how wide it is, and whether all of it can be read."""
    browser.look(width=width, dark=dark)
    opened("report.html", text)
    assert browser.run("return document.querySelectorAll('script, img, iframe, a').length") == 0
    assert browser.run("return document.documentElement.scrollWidth") <= width
    assert browser.run(OVERLAPS) == []
    assert browser.run(CONTRAST) == []
    ground = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(13, 17, 23)" if dark else "rgb(255, 255, 255)")


@pytest.mark.parametrize("name", [*RELEASES, *BACKTESTS])
def test_a_picture_is_quiet_and_whole(browser: Browser, opened: Any, name: str) -> None:
    browser.look(width=960)
    svg = page.svg([RELEASES[name]()]) if name in RELEASES else backtest_page.svg([BACKTESTS[name]()])
    opened("report.svg", svg)
    assert browser.run("return document.documentElement.nodeName") == "svg"
    assert browser.run("return document.querySelectorAll('script, image, parsererror').length") == 0


def test_the_checks_of_a_metric_unfold_by_the_keyboard(browser: Browser, opened: Any) -> None:
    browser.look(width=1000)
    opened("report.html", page.html([RELEASES["demo"]()]))
    folded = "return [...document.querySelectorAll('details')].map(one => one.open)"
    assert browser.run(folded) == [False, False]
    browser.type("\ue004")  # tab
    assert browser.run("return document.activeElement.textContent") == "Checks and query of success rate"
    browser.type("\ue007")  # enter
    assert browser.run(folded) == [True, False]


def test_a_screen_reader_gets_names_for_all_that_is_drawn(browser: Browser, opened: Any) -> None:
    opened("report.html", page.html([RELEASES["demo"]()]))
    names = browser.run(
        "return [...document.querySelectorAll('svg[role=img]')].map(one => one.querySelector('title').textContent)"
    )
    assert len(names) == 3
    assert names[1].startswith("success rate: values from 82.33 to 100 %, good is at least 99; 3 of 16 checks")
    tables = browser.run(
        "return [...document.querySelectorAll('table')].filter(one => !one.caption || !one.querySelector('th[scope]'))"
    )
    assert tables == []
