"""YAML that every YAML reader understands alike.

Duty: plain data -> block style YAML. The words that YAML 1.1, YAML 1.2 and Go's reader in between take for different
things are quoted; text of several lines stays readable. It is the one module here that loads PyYAML.
"""

from __future__ import annotations

import math
import re
from typing import Any

import yaml

# PyYAML quotes what it would itself misread. Go's reader, and with it kubectl and kustomize, also takes `y` and `n`
# for booleans, and `1e3` or `0o7` for numbers.
_AMBIGUOUS = re.compile(r"[yYnN]|[-+.]?[0-9].*", re.DOTALL)
# A literal block cannot say that a line ends in blanks, and needs a hint where the first begins with one.
_NO_BLOCK = re.compile(r"\A[ \n]|[ ]$|\A\Z", re.MULTILINE)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's signature
        """Write a value that occurs twice twice: an anchor is legal, and nobody wants to read one."""
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=_style(text))


def _style(text: str) -> str | None:
    if "\n" in text:
        fits = not _NO_BLOCK.search(text.rstrip("\n")) and all(line.isprintable() for line in text.split("\n"))
        return "|" if fits else '"'
    return '"' if _AMBIGUOUS.fullmatch(text) else None


_Dumper.add_representer(str, _represent_text)


def to_yaml(document: Any) -> str:
    """Write plain data as one block style document, in the order of its keys, ending in a newline."""
    text = _dump(document, unicode=True)
    if all(line.isprintable() for line in text.split("\n")):
        return text
    return _dump(document, unicode=False)  # YAML's idea of printable has characters that turn the line around


def _dump(document: Any, *, unicode: bool) -> str:
    text: str = yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, default_flow_style=False, allow_unicode=unicode, width=math.inf
    )
    return text
