"""YAML text as Kubernetes reads it, cut into its documents.

Duty: read, within bounds, and say where a fault is. A document that is no object is none of its business. Pure.

The rules are those of `kubectl`, which reads YAML by go-yaml 2: booleans as in YAML 1.1 (`on`, `yes`, `y`), no
sexagesimal numbers, and times stay the strings that were written. PyYAML's own rules differ in all three.
"""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import yaml
from yaml.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable

# libyaml where PyYAML was built with it, ten times as fast; the marks of both are the same.
PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Deeper than any object of Kubernetes, shallow enough for a recursive function.
MAX_DEPTH = 100
# Values of one file, as it is and with its aliases written out: thousands of objects, but no "billion laughs".
MAX_VALUES = 500_000
# Characters of them with the aliases written out: no file has more, but for those of "quadratic blowup".
MAX_TEXT = 8 * 1024 * 1024

_CUT = re.compile(r"^---(?=\s|\Z)|(?<=^\.\.\.\n)|(?<=^\.\.\.\r\n)", re.MULTILINE)
_STR, _INT, _FLOAT, _BOOL, _NULL, _MERGE = (
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "merge")
)
_WORDS = dict.fromkeys(("y", "yes", "true", "on"), True) | dict.fromkeys(("n", "no", "false", "off"), False)
_COLLECTIONS = frozenset(
    {yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, yaml.resolver.BaseResolver.DEFAULT_SEQUENCE_TAG}
)
_RULES = {
    _BOOL: "|".join(f"{word}|{word.capitalize()}|{word.upper()}" for word in _WORDS),
    _NULL: "|~|null|Null|NULL",
    # Longer ones are beyond the 64 bits of an integer, and so floats.
    _INT: "[-+]?(?:0|[1-9][0-9_]{0,18}|0b[01]{1,63}|0o?[0-7]{1,21}|0x[0-9a-fA-F]{1,16})",
    _FLOAT: r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?",
    _MERGE: "<<",
}


def _integer(text: str) -> int:
    return int(text, 8 if re.match("[-+]?0[0-7]", text) else 0)  # as Go has it: 0644 is octal


def _float(text: str) -> float | str:
    return number if math.isfinite(number := float(text)) else text  # infinity has no place in JSON


_MEANINGS: dict[str, Callable[[str], object]] = {
    _STR: str,
    _MERGE: str,
    _NULL: lambda _: None,
    _BOOL: lambda text: _WORDS[text.lower()],
    _INT: lambda text: _integer(text.replace("_", "")),
    _FLOAT: _float,
}


class _Loader(PARSER):  # type: ignore[misc]
    yaml_implicit_resolvers: dict[str | None, Any] = {}  # noqa: RUF012 - PyYAML's way


for _tag, _rule in _RULES.items():
    _Loader.add_implicit_resolver(_tag, re.compile(rf"(?:{_rule})\Z"), [None])


class Fault(Exception):  # noqa: N818 - what is wrong with a text, never seen outside of this package
    """Something in a text that cannot be used: `index` is the character where it stands."""

    def __init__(self, problem: str, index: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.index = index


def split(text: str) -> list[str]:
    """Cut a file into parts of one document at most; joined again the parts are the file.

    YAML allows `---` and `...` at the start of a line nowhere else, whatever they stand in.
    """
    cuts = sorted({0, *(_directives(text, match.start()) for match in _CUT.finditer(text)), len(text)})
    return [text[start:end] for start, end in pairwise(cuts)]


def _directives(text: str, start: int) -> int:
    """Give where the lines of `%` directives before a marker begin."""
    while start and text.startswith("%", line := text.rfind("\n", 0, start - 1) + 1):
        start = line
    return start


def is_object(root: Any) -> bool:
    """Say whether a document is meant as an object of Kubernetes; anything else in a folder is not read further."""
    return isinstance(root, yaml.MappingNode) and {"apiVersion", "kind"} <= {
        key.value for key, _ in root.value if isinstance(key, yaml.ScalarNode)
    }


def read(text: str, most: int = MAX_VALUES) -> Any:
    """Give the value of the one document of a text, which has at most so many values. Raises Fault."""
    values = Values(most)
    root = values.compose(text)
    return None if root is None else values.of(root)


class Values:
    """Reads documents, within bounds for all of them together: so many values, and MAX_TEXT."""

    def __init__(self, most: int = MAX_VALUES) -> None:
        self._most = self._nodes = self._left = most
        self._text = MAX_TEXT

    def compose(self, text: str) -> Any:
        """Give the root of the one document of a text; None without one. Raises Fault."""
        if match := Reader.NON_PRINTABLE.search(text):
            raise Fault(f"it is no text: it has the character U+{ord(match.group()):04X}", match.start())
        try:
            self._measure(text)
            return yaml.compose(text, Loader=_Loader)
        except yaml.MarkedYAMLError as error:
            # libyaml always names the place, PyYAML's own parser may know no more than where the construct began.
            place = getattr(error.problem_mark or error.context_mark, "index", 0)
            raise Fault(error.problem or str(error.context), place) from error

    def _measure(self, text: str) -> None:
        """See whether a document is small and shallow enough to be composed: that is recursive, and has no bounds."""
        depth = 0
        event: Any
        for event in yaml.parse(text, Loader=_Loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise Fault(f"it is nested deeper than {MAX_DEPTH} levels", event.start_mark.index)
            self._nodes -= isinstance(event, yaml.NodeEvent)
            if self._nodes < 0:
                raise Fault(f"it has more than {self._most} values", event.start_mark.index)

    def of(self, node: yaml.Node, depth: int = 0) -> Any:
        """Give dicts with string keys, lists, str, int, float, bool and None. Raises Fault."""
        self._left -= 1
        if self._left < 0:
            raise Fault(f"it has more than {self._most} values, aliases included", node.start_mark.index)
        if depth > MAX_DEPTH:
            raise Fault("it contains itself, or is nested too deep", node.start_mark.index)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if node.tag not in _COLLECTIONS:
            raise _strange(node)
        return (
            self._mapping(node, depth)
            if isinstance(node, yaml.MappingNode)
            else [self.of(item, depth + 1) for item in node.value]
        )

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, item in node.value:
            value = self.of(item, depth + 1)
            if key.tag == _MERGE:
                for other in reversed(value if isinstance(value, list) else [value]):
                    if not isinstance(other, dict):
                        raise Fault("only mappings can be merged", item.start_mark.index)
                    merged |= other
            elif (name := self._key(key)) in own:
                raise Fault(f'the key "{name}" is there twice', key.start_mark.index)
            else:
                own[name] = value
        return merged | own

    def _key(self, node: yaml.Node) -> str:
        """Give the text of a key as kubectl turns it into JSON: `on` is "true"."""
        value = self._scalar(node) if isinstance(node, yaml.ScalarNode) else None
        if value is None:
            raise Fault("a key has to be a string", node.start_mark.index)
        return str(value).lower() if isinstance(value, bool) else str(value)

    def _scalar(self, node: yaml.ScalarNode) -> object:
        self._text -= len(node.value)
        if self._text < 0:
            raise Fault(f"it has more than {MAX_TEXT} characters, aliases included", node.start_mark.index)
        try:
            return _MEANINGS[node.tag](node.value)
        except (KeyError, ValueError) as error:
            raise _strange(node) from error


def _strange(node: yaml.Node) -> Fault:
    return Fault(f"the tag {node.tag} is not understood here", node.start_mark.index)


def is_plain(text: str) -> bool:
    """Say whether every reader takes a text without quotes for that text."""
    return not any(
        rule.match(text)
        for loader in (_Loader, yaml.SafeLoader)
        for first in {text[:1], None}
        for _, rule in loader.yaml_implicit_resolvers.get(first, ())
    )


def same(left: Any, right: Any) -> bool:
    """Compare as JSON does: 1 is 1.0 and not true, the order of a mapping's keys is nothing."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(value, right[name]) for name, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)
