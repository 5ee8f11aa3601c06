"""The parts of docs/reliability.md that commands make from recorded figures.

A part is between `<!-- made by make COMMAND: NAME -->` and `<!-- end of what was made -->`. A command records its
figures in a file of its own, and draws its parts from that; a test of the command keeps the two equal.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.support.paths import DOCS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PAGE = DOCS / "reliability.md"
_PART = re.compile(
    r"(<!-- made by (?P<command>make [\w-]+): (?P<name>[\w ]+) -->\n).*?(<!-- end of what was made -->)", re.DOTALL
)


def drawn(page: str, command: str, parts: Mapping[str, str]) -> str:
    """Returns the page with the parts of one command (such as `make explore`) replaced; the others stay."""
    return _PART.sub(
        lambda part: f"{part[1]}\n{parts[part['name']]}\n{part[4]}" if part["command"] == command else part[0], page
    )


def named(page: str, command: str) -> list[str]:
    """Returns the names of the parts of one command that a page has markers for."""
    return [part["name"] for part in _PART.finditer(page) if part["command"] == command]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a Markdown table, ending in a newline."""
    lines = (f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))
    return "\n".join(lines) + "\n"
