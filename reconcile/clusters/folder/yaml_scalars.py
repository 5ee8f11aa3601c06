"""What a scalar of a YAML text means to kubectl, which reads YAML by go-yaml 2.

Booleans are those of YAML 1.1 (`on`, `yes`, `y`), there are no sexagesimal numbers, and times stay the strings that
were written. PyYAML's own rules differ in all three.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

_BOOLEANS = dict.fromkeys(("y", "yes", "true", "on"), True) | dict.fromkeys(("n", "no", "false", "off"), False)
_PATTERNS = {
    "bool": "|".join(f"{word}|{word.capitalize()}|{word.upper()}" for word in _BOOLEANS),
    "null": "|~|null|Null|NULL",
    # Longer ones are beyond the 64 bits of an integer, and so floats.
    "int": "[-+]?(?:0|[1-9][0-9_]{0,18}|0b[01]{1,63}|0o?[0-7]{1,21}|0x[0-9a-fA-F]{1,16})",
    "float": r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?",
    "merge": "<<",
}
_PATTERN = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _PATTERNS.items()))
_PREFIX = "tag:yaml.org,2002:"
STR, MERGE = f"{_PREFIX}str", f"{_PREFIX}merge"


def _integer(text: str) -> int:
    return int(text, 8 if re.match("[-+]?0[0-7]", text) else 0)  # as in Go, 0644 is octal


def _float(text: str) -> float | str:
    return number if math.isfinite(number := float(text)) else text  # JSON has no infinity


_VALUES: dict[str, Callable[[str], object]] = {
    STR: str,
    MERGE: str,
    f"{_PREFIX}null": lambda _: None,
    f"{_PREFIX}bool": lambda text: _BOOLEANS[text.lower()],
    f"{_PREFIX}int": lambda text: _integer(text.replace("_", "")),
    f"{_PREFIX}float": _float,
}


def tag_of(text: str) -> str:
    """Returns the tag of a plain scalar that has none written."""
    match = _PATTERN.fullmatch(text)
    return f"{_PREFIX}{match.lastgroup}" if match else STR


def value_of(text: str, tag: str) -> object:
    """Returns what a scalar of this tag means. Raises KeyError or ValueError for what does not fit its tag."""
    return _VALUES[tag](text)


def is_plain(text: str) -> bool:
    """Returns whether every reader takes a text without quotes for that text."""
    return _PATTERN.fullmatch(text) is None and not any(
        pattern.match(text)
        for first in {text[:1], None}
        for _, pattern in yaml.SafeLoader.yaml_implicit_resolvers.get(first, ())
    )
