"""Draws docs/report.png anew: the report of the demonstration in Chromium."""

from __future__ import annotations

import tempfile
from pathlib import Path

from reconcile.lookback import page
from tests.components.browser import Browser
from tests.support.paths import ROOT
from tests.unit.lookback.release import simulated

with tempfile.TemporaryDirectory() as scratch, Browser(Path(scratch)) as browser:
    file = Path(scratch) / "report.html"
    file.write_text(page.html([simulated("demo")]), encoding="utf-8")
    browser.look(width=1000, height=1180)
    browser.open(file)
    (ROOT / "docs" / "report.png").write_bytes(browser.picture())
