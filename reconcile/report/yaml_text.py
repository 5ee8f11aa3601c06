"""Block style YAML that readers of YAML 1.1, of YAML 1.2 and Go's reader in between read alike.

It is the only module here that loads PyYAML.
"""

from __future__ import annotations

import math
import re
from typing import Any

import yaml

# PyYAML quotes what it would misread itself. Go's reader, and with it kubectl and kustomize, also reads `y` and `n` as
# booleans, and `1e3` or `0o7` as numbers.
_AMBIGUOUS = re.compile(r"[yYnN]|[-+.]?[0-9].*", re.DOTALL)
# A literal block cannot keep blanks at the end of a line, and needs a hint for blanks at the beginning of the first.
_NO_BLOCK = re.compile(r"\A[ \n]|[ ]$|\A\Z", re.MULTILINE)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's signature
        """Returns True: a value that occurs twice is written twice, as an anchor is hard to read."""
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
    """Returns plain data as one block style document, in the order of its keys, with a newline at its end."""
    text = _dump(document, unicode=True)
    if all(line.isprintable() for line in text.split("\n")):
        return text
    return _dump(document, unicode=False)  # for YAML, marks that change the direction of text are printable


def _dump(document: Any, *, unicode: bool) -> str:
    text: str = yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, default_flow_style=False, allow_unicode=unicode, width=math.inf
    )
    return text
