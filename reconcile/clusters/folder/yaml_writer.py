"""Values as YAML text, in the style that stands around them."""

from __future__ import annotations

import json
import re
from io import StringIO
from typing import Any

from msgspec import Struct
from yaml.emitter import Emitter

from reconcile.clusters.folder.yaml_block_scalar import literal
from reconcile.clusters.folder.yaml_scalars import is_plain


class Style(Struct, frozen=True, kw_only=True):
    """The layout of block style, in columns."""

    step: int = 2
    """From a key to the keys of the mapping below it."""
    offset: int = 0
    """From a key to the dashes of the list below it."""
    dash: int = 2
    """From a dash to its item."""
    json: bool = False
    """Whether strings stand in double quotes, as in JSON."""
    blocks: bool = True
    """Whether texts of several lines are literal blocks."""


def document(value: Any) -> str:
    """Returns a new document in block style. Raises ValueError for what is no value of JSON."""
    lines = block(value, 0, Style()) if value else [flow(value, Style())]
    return "".join(f"{line}\n" for line in lines)


def block(value: Any, column: int, style: Style) -> list[str]:
    """Returns the lines of a mapping or list that is not empty, from a column on."""
    if isinstance(value, dict):
        return [line for name, item in value.items() for line in entry(name, item, column, style)]
    return [line for item in value for line in list_item(item, column, style)]


def entry(name: Any, value: Any, column: int, style: Style) -> list[str]:
    """Returns the lines of a key and its value in a mapping at a column."""
    head, body = content(value, column, style)
    key = f"{' ' * column}{scalar(name)}:"
    return [f"{key} {head}" if head else key, *body]


def list_item(value: Any, column: int, style: Style) -> list[str]:
    """Returns the lines of an item of a list whose dashes are at a column."""
    head, body = content(value, column, style, dash=style.dash)
    return [f"{' ' * column}-{' ' * (style.dash - 1)}{head}", *body]


def content(value: Any, column: int, style: Style, *, dash: int = 0) -> tuple[str, list[str]]:
    """Returns what stands behind a key at a column, or so far from a dash there, and the lines below it."""
    inner = column + (dash or style.step)
    if value and isinstance(value, dict | list):
        lines = block(value, inner if dash or isinstance(value, dict) else column + style.offset, style)
        return (lines[0].lstrip(" "), lines[1:]) if dash else ("", lines)
    if isinstance(value, dict | list):
        return flow(value, style), []
    return (literal(value, inner, column) if style.blocks else None) or (scalar(value), [])


def flow(value: Any, style: Style) -> str:
    """Returns a value on one line, its collections in braces and brackets."""
    if isinstance(value, dict):
        return f"{{{', '.join(flow_entry(name, item, style) for name, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(flow(item, style) for item in value)}]"
    return scalar(value, '"' if style.json else "", within=True)


def flow_entry(name: Any, value: Any, style: Style) -> str:
    """Returns a key and its value on one line."""
    return f"{flow(name, style)}: {flow(value, style)}"


def scalar(value: Any, quote: str = "", *, within: bool = False) -> str:
    """Returns a scalar on one line: a string in these quotes if it can be, else in those that it needs.

    `within` braces or brackets it needs them more often. Raises ValueError for what is no value of JSON.
    """
    if value is None or isinstance(value, bool | int | float):
        # YAML 1.1 takes 1e+22 for a string.
        return re.sub(r"^(-?\d+)e", r"\1.0e", json.dumps(value))
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no value of JSON")  # noqa: TRY004 - one kind of error for all such values
    if quote == '"' or not value.isprintable() or (not quote and not is_plain(value)):
        return _double_quoted(value)
    if not quote and _is_bare(value, within=within):
        return value
    return "'" + value.replace("'", "''") + "'"


def _is_bare(value: str, *, within: bool) -> bool:
    """Returns whether a text without quotes ends where it should."""
    analysis = Emitter(StringIO(), allow_unicode=True).analyze_scalar(value)
    return bool(analysis.allow_flow_plain if within else analysis.allow_block_plain)


def _double_quoted(value: str) -> str:
    text = json.dumps(value, ensure_ascii=False)
    # Beyond four digits JSON and YAML escape differently, and neither has to.
    return re.sub("[\x7f-\uffff]", lambda char: char[0] if char[0].isprintable() else f"\\u{ord(char[0]):04x}", text)
