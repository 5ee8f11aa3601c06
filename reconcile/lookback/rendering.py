"""Pages that need nothing else, and pictures, by the templates in `templates/report`.

All text of others is escaped by the templates. There is no character in it that a page or a picture cannot have.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup
from msgspec import Struct

from reconcile import __version__
from reconcile.model.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconcile.lookback.panels import Panel

_PACKAGE = Path(__file__).resolve().parents[1]
MOST_NAMES = 3
SVG_WIDTH, SVG_LEFT, SVG_RIGHT = 960, 64, 24
SVG_HEAD, SVG_FIRST, SVG_OTHER, SVG_GAP = 96, 200, 110, 60


class Picture(Struct, frozen=True, kw_only=True):
    """The picture of one Rollout: its panels below each other, each with its bound in words.

    `about` is what it is in a sentence, `outcome` how it ended, and whether that is good, bad or open.
    """

    name: str
    about: str
    outcome: tuple[str, str]
    panels: tuple[tuple[Panel, str], ...]


class _Placed(Struct, frozen=True, kw_only=True):
    """A panel in a picture: where it begins from the top, and how high it is."""

    panel: Panel
    top: int
    height: int
    bound: str = ""


def page(template: str, kind: str, names: Sequence[str], told: Sequence[Any]) -> str:
    """Returns a page. It runs no script and asks for nothing."""
    title = f"{kind} of {', '.join(names[:MOST_NAMES])}" + (" and more" if names[MOST_NAMES:] else "")
    return _environment().get_template(template).render(told=told, title=title, version=__version__)


def picture(pictures: Sequence[Picture]) -> str:
    """Returns one picture of all of them, below each other."""
    top, parts = 0, []
    for one in pictures:
        placed = [*_placed(one, top + SVG_HEAD)]
        parts.append({"one": one, "top": top, "placed": placed})
        top = placed[-1].top + placed[-1].height + SVG_GAP
    height = max(top - SVG_GAP // 2, SVG_HEAD)
    template = _environment().get_template("report.svg.j2")
    return template.render(parts=parts, width=SVG_WIDTH, left=SVG_LEFT, right=SVG_RIGHT, height=height)


def _placed(one: Picture, top: int) -> Iterator[_Placed]:
    height = SVG_FIRST
    for panel, bound in one.panels:
        yield _Placed(panel=panel, top=top, height=height, bound=bound)
        top, height = top + height + SVG_GAP, SVG_OTHER


@cache
def _environment() -> jinja2.Environment:
    """Returns the templates, which are inside of an installed package, or at the top of the checkout."""
    installed = _PACKAGE / "builtin_templates"
    folder = installed if installed.is_dir() else _PACKAGE.parent / "templates"
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder / "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_shown,
    )
    environment.filters["clock"] = lambda at: f"{at:%H:%M:%S}"
    environment.filters["day"] = lambda at: f"{at:%Y-%m-%d %H:%M:%S}"
    environment.filters["figure"] = lambda value: "" if value is None else f"{value:.6g}"
    return environment


def _shown(value: Any) -> Any:
    """Returns a value as it is put into a page: without characters that are not for showing."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
