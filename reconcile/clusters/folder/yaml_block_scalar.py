"""Texts of several lines as block scalars: a header and the lines below it."""

from __future__ import annotations

import re
from typing import Any

from reconcile.clusters.folder.yaml_documents import read
from reconcile.clusters.folder.yaml_nodes import Fault

# What a parser takes for the end of a line, or a reader of the file for nothing.
_NOT_LITERAL = re.compile("[\r\x85\u2028\u2029\ufeff]")


def literal(value: Any, column: int, above: int) -> tuple[str, list[str]] | None:
    """Returns a text of several lines as a literal block in a collection at column `above`: its header and its lines.

    None for anything else. Blank lines at its end make it no block: people take them for the space below one.
    """
    several = isinstance(value, str) and "\n" in value and not value.endswith("\n\n")
    return literal_block(value, column, above) if several else None


def literal_block(value: Any, column: int, above: int) -> tuple[str, list[str]] | None:
    """Returns a text of any number of lines as a literal block; None for what would not be read again as it is."""
    if not isinstance(value, str) or not value.strip("\n") or _NOT_LITERAL.search(value):
        return None
    indicator = str(column - above) if value.lstrip("\n").startswith((" ", "\t")) else ""
    chomping = "+" if value.endswith("\n\n") else "" if value.endswith("\n") else "-"
    lines = [f"{' ' * column}{line}" if line else "" for line in value.removesuffix("\n").split("\n")]
    return checked(value, f"|{indicator}{chomping}", lines, above)


def folded(value: Any, column: int, above: int, old: list[str]) -> tuple[str, list[str]] | None:
    """Returns the header and the lines of a folded block, broken where the `old` lines of one were.

    None for what would not be read again as it is.
    """
    if not isinstance(value, str) or not value or value.endswith("\n\n") or _NOT_LITERAL.search(value):
        return None
    paragraphs = [group.split("\n") for group in re.split(r"\n{2,}", "\n".join(old))]
    texts = value.removesuffix("\n").split("\n")
    lines: list[str] = []
    for index, text in enumerate(texts):
        before = paragraphs[index] if len(paragraphs) == len(texts) else []
        lines += [""] * bool(lines and lines[-1] and text) + _broken(text, before)
    indented = [f"{' ' * column}{line}" if line else "" for line in lines]
    return checked(value, ">" if value.endswith("\n") else ">-", indented, above)


def _broken(text: str, old: list[str]) -> list[str]:
    """Returns a paragraph as lines, with those of an old one at its start and at its end."""
    head, tail = 0, 0
    while head < len(old) and text.startswith(start := f"{old[head]} "):
        text, head = text.removeprefix(start), head + 1
    while tail < len(old) - head and text.endswith(end := f" {old[len(old) - 1 - tail]}"):
        text, tail = text.removesuffix(end), tail + 1
    return [*old[:head], text, *old[len(old) - tail :]]


def checked(value: str, header: str, lines: list[str], above: int) -> tuple[str, list[str]] | None:
    """Returns a block scalar, or None where it would not be read as the value."""
    try:
        text = read("\n".join([f"{' ' * above}k: {header}", *lines, ""]))
    except Fault:
        return None
    return (header, lines) if text == {"k": value} else None
