"""docs/performance.md and its picture, made from the figures that are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.bench import tables
from tests.bench.figures import KEPT, read, written
from tests.bench.picture import picture
from tests.support import recorded
from tests.support.paths import DOCS

if TYPE_CHECKING:
    from tests.bench.figures import Figures

COMMAND = "make bench"
PAGE, PICTURE = DOCS / "performance.md", DOCS / "performance.svg"


def kept() -> Figures:
    """Read what was recorded last."""
    return read(KEPT.read_text(encoding="utf-8"))


def drawn(page: str) -> str:
    """Give the page with its parts made anew from what is kept."""
    return recorded.drawn(page, COMMAND, tables.parts(kept()))


def record(figures: Figures) -> None:
    """Keep the figures, and draw the page and the picture from them."""
    KEPT.write_text(written(figures), encoding="utf-8")
    redraw()


def redraw() -> None:
    """Draw both anew."""
    PAGE.write_text(drawn(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    PICTURE.write_text(picture(kept()), encoding="utf-8")
