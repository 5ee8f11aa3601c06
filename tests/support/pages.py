"""The pages, as tests read them: their text, fenced blocks, sections, and tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PAGES = [*(ROOT / f"{name}.md" for name in ("README", "CHANGELOG", "SECURITY")), *sorted((ROOT / "docs").glob("*.md"))]


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block of a page."""

    page: Path
    language: str
    content: str


def read(page: Path) -> str:
    """Returns the text of a page."""
    return page.read_text(encoding="utf-8")


def blocks(*languages: str) -> list[Block]:
    """Returns the fenced blocks of all pages in these languages."""
    found = (
        Block(page, match[1], match[2])
        for page in PAGES
        for match in re.finditer(r"^```(\w*)\n(.*?)^```$", read(page), re.MULTILINE | re.DOTALL)
    )
    return [block for block in found if block.language in languages]


def section(page: Path, title: str) -> str:
    """Returns the text under a heading, up to the next heading of any level."""
    parts = re.split(r"^#+ (.+)$", read(page), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))[title]


def column(part: str, index: int = 0) -> list[str]:
    """Returns one column of the tables of a part, without their heads."""
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in part.splitlines() if line.startswith("|")]
    body = [row for number, row in enumerate(rows) if "---" not in row[0] and "---" not in [*rows, [""]][number + 1][0]]
    return [row[index].strip() for row in body]


def code(cell: str) -> list[str]:
    """Returns what is written as code in a text."""
    return re.findall(r"`([^`]+)`", cell)


def prose(page: Path) -> str:
    """Returns a page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", read(page), flags=re.MULTILINE | re.DOTALL)
