"""The parts of docs/reliability.md, and of docs/metrics.md, that commands make from recorded figures.

A part is between `<!-- made by make COMMAND: NAME -->` and `<!-- end of what was made -->`. A command records its
figures in a file of its own, and draws its parts from that; a test of the command keeps the two equal.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.paths import DOCS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

PAGE = DOCS / "reliability.md"
_PART = re.compile(
    r"(<!-- made by (?P<command>make [\w-]+): (?P<name>[\w ]+) -->\n).*?(<!-- end of what was made -->)", re.DOTALL
)


@dataclass(frozen=True, kw_only=True)
class Record:
    """The figures of one command (such as `make explore`): the file that keeps them, and the parts made from them."""

    command: str
    file: Path
    parts: Callable[[Any], Mapping[str, str]]
    page: Path = PAGE

    def keep(self, figures: Any) -> None:
        """Writes the figures into the file, and the parts into the page."""
        self.file.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
        self.page.write_text(self.drawn(self.page.read_text(encoding="utf-8")), encoding="utf-8")

    def kept(self) -> Any:
        """Returns the figures of the last run that was recorded."""
        return json.loads(self.file.read_text(encoding="utf-8"))

    def drawn(self, page: str) -> str:
        """Returns the page with the parts of this command as they are to be."""
        return drawn(page, self.command, self.parts(self.kept()))

    def check(self) -> None:
        """Fails where the page has other parts of this command, or parts that are made from other figures."""
        page = self.page.read_text(encoding="utf-8")
        assert sorted(named(page, self.command)) == sorted(self.parts(self.kept()))
        assert self.drawn(page) == page, f"{self.page.name} is not drawn from {self.file.name}: {self.command}"


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
