"""A small reader of PromQL: enough to tell the label matchers of a query from each other."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)|(?P<word>[A-Za-z_:][\w:]*)|(?P<op>=~|!~|!=|[^\s])""",
    re.ASCII,
)


_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|U([0-9a-f]{8})|(\\))")


def tokens(query: str) -> list[tuple[str, str]]:
    return [(str(found.lastgroup), found[0]) for found in _TOKEN.finditer(query)]


def text_of(string: str) -> str:
    """Returns the text of a string as Prometheus reads it. An unknown escape fails the test."""
    inner = string[1:-1]
    assert "\\" not in _ESCAPE.sub("", inner)
    return _ESCAPE.sub(lambda found: found[3] or chr(int(found[1] or found[2], 16)), inner)


def matchers(query: str) -> list[tuple[str, str, str]]:
    """Returns each label matcher of a query: label, operator and text."""
    found = tokens(query)
    return [
        (label, op, text_of(string))
        for (_, label), (_, op), (kind, string) in zip(found, found[1:], found[2:], strict=False)
        if kind == "string" and op in {"=", "=~", "!=", "!~"}
    ]
