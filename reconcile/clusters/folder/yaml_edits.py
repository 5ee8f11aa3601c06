"""One object of a YAML text changed, by ruamel's round trip; comments, quotes and the order of keys stay.

Duty: turn "this object becomes that" into a text, and prove it by reading it again. What would not mean exactly that
is refused, never guessed. It writes no file. Pure. It loads ruamel: only a pass that writes imports it.
"""

from __future__ import annotations

import re
import sys
from io import StringIO
from itertools import takewhile
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.scalarstring import (
    DoubleQuotedScalarString,
    FoldedScalarString,
    LiteralScalarString,
    PlainScalarString,
    ScalarString,
)

from reconcile.clusters.folder.yaml_documents import read
from reconcile.clusters.folder.yaml_nodes import PARSER, Fault
from reconcile.clusters.folder.yaml_scalars import is_plain
from reconcile.clusters.json_equality import json_equal

Path = tuple[str | int, ...]

# Values of a text that is edited: hundreds of times what an object has. The round trip takes seconds for that.
MOST = 50_000

# What stands around the one value of a document: it is kept as it is, whatever the round trip would make of it.
_OUTSIDE = re.compile(r"#.*|%.*|\s*|\.\.\.\s*|---(?:\s+#.*|\s*)")


class UneditableError(Exception):
    """The text is written in a way in which this change cannot be made without touching something else."""


class _Resolver(VersionedResolver):
    """Takes every scalar for the text that it is: so it is written as it was read."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:  # noqa: ARG002 - ruamel's signature
        return super().resolve(kind, None, (False, True))


def rewrite(text: str, place: Path, wanted: Any, indent: int = 0) -> str:
    """Give the text of one document, all of it `indent` to the right, with the value at `place` replaced.

    Its first line begins behind the indentation. Raises UneditableError.
    """
    margin = " " * indent
    lines = text.replace("\r\n", "\n").replace(f"\n{margin}", "\n").split("\n")
    first, last = 0, len(lines)
    while first < last and _OUTSIDE.fullmatch(lines[first]):
        first += 1
    while first < last and _OUTSIDE.fullmatch(lines[last - 1]):
        last -= 1
    try:
        old = read(margin + text, MOST)
        new = _with(old, place, wanted)
        end = "\n" * (last < len(lines))  # the last line may be of a text in a block, and its end a part of it
        written = _written("\n".join(lines[first:last]) + end, old, new)
        lines[first:last] = [written]
        result = re.sub(r"\n(?=[^\n])", f"\n{margin}", "\n".join(lines))
        if "\r\n" in text:
            result = result.replace("\n", "\r\n")
        if json_equal(read(margin + result), new):
            return result
    except (Fault, YAMLError, yaml.YAMLError, RecursionError) as error:
        problem = str(error).partition("\n")[0]
        raise UneditableError(f"it is written in a way that a change does not survive ({problem})") from error
    raise UneditableError("it is written with anchors, merge keys or layout that this change would tear apart")


def document(value: Any) -> str:
    """Write a new document in block style."""
    return _dump(_ruamel(), _new(value))


def _with(value: Any, path: Path, wanted: Any) -> Any:
    if not path:
        return wanted
    copy = value.copy()
    copy[path[0]] = _with(value[path[0]], path[1:], wanted)
    return copy


def _written(text: str, old: Any, new: Any) -> str:
    ruamel = _ruamel()
    ruamel.explicit_start = text.startswith("---")
    found = _indentation(text)
    ruamel.indent(found["mapping"], found["offset"] + found["dash"], found["offset"])
    return _dump(ruamel, _changed(ruamel.load(text), old, new)).removesuffix("\n")


def _ruamel() -> YAML:
    ruamel = YAML()
    ruamel.Resolver = _Resolver
    ruamel.preserve_quotes = True
    ruamel.width = sys.maxsize
    return ruamel


def _dump(ruamel: YAML, root: Any) -> str:
    stream = StringIO()
    ruamel.dump(root, stream)
    return stream.getvalue()


def _indentation(text: str) -> dict[str, int]:
    """Measure the first mapping in a mapping, the first list in one, and the first item of a list."""
    found: dict[str, int] = {}
    above: list[Any] = []
    for event in yaml.parse(text, Loader=PARSER):
        if isinstance(event, yaml.CollectionEndEvent):
            above.pop()
        elif isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            odd = event.anchor or getattr(event, "flow_style", False) or (above and above[-1].flow_style)
            if above and event.start_mark and not odd:  # an anchor stands elsewhere than what it names
                distance = event.start_mark.column - above[-1].start_mark.column
                if isinstance(above[-1], yaml.SequenceStartEvent):
                    found.setdefault("dash", distance)
                elif isinstance(event, yaml.CollectionStartEvent):
                    found.setdefault("mapping" if isinstance(event, yaml.MappingStartEvent) else "offset", distance)
            if isinstance(event, yaml.CollectionStartEvent):
                above.append(event)
    return {"mapping": 2, "offset": 0, "dash": 2} | found


def _changed(node: Any, old: Any, new: Any) -> Any:
    """Change a node of the round trip in place, as little as can be; what is no collection any more is made anew."""
    if isinstance(node, dict) and isinstance(old, dict) and isinstance(new, dict):
        for name in [name for name in reversed([*node]) if name in old and name not in new]:
            _remove(node, name)
        for name, value in new.items():
            if name not in old:
                node[_new(name)] = _new(value)
            elif not json_equal(old[name], value):
                node[name] = _changed(node.get(name), old[name], value)
        return node
    if isinstance(node, list) and isinstance(old, list) and isinstance(new, list):
        head = _alike(old, new)
        tail = _alike(old[head:][::-1], new[head:][::-1])
        pairs = range(head, min(len(old), len(new)) - tail)
        for index in pairs:
            node[index] = _changed(node[index], old[index], new[index])
        for index in reversed(range(pairs.stop, len(old) - tail)):
            _remove(node, index)
        for index in range(pairs.stop, len(new) - tail):
            node.insert(index, _new(new[index]))
        return node
    return _new(new, node)


def _remove(node: Any, key: Any) -> None:
    """Take an entry away, but not the lines of comment below it: they are about what follows."""
    keys = [*node] if isinstance(node, dict) else [*range(len(node) - 1)]
    following = keys[keys.index(key) + 1 :] if isinstance(node, dict) else keys[key:]
    parent, last = node, key
    while isinstance(parent[last], dict | list) and parent[last]:
        parent = parent[last]
        last = [*parent][-1] if isinstance(parent, dict) else len(parent) - 1
    beside = not isinstance(parent[last], FoldedScalarString | LiteralScalarString)  # then the first line is its own
    tokens = [token for token in parent.ca.items.get(last, ()) if hasattr(token, "value")]
    below = [line for token in tokens for line in token.value.split("\n")[beside:]]
    comment = "\n".join(line.strip().removeprefix("#").removeprefix(" ") for line in below if line.strip())
    del node[key]
    if comment and following:
        node.yaml_set_comment_before_after_key(following[0], before=comment, indent=node.lc.col)


def _new(value: Any, before: Any = None) -> Any:
    """Give what is written for a value: a text in the quotes it had, or in those that it needs."""
    if isinstance(value, dict):
        return {_new(name): _new(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_new(item) for item in value]
    if not isinstance(value, str):
        return PlainScalarString(yaml.safe_dump(value).split("\n")[0])
    quoted = isinstance(before, ScalarString) and not isinstance(before, PlainScalarString)
    needed = PlainScalarString if is_plain(value) and value.isprintable() else DoubleQuotedScalarString
    text = (type(before) if quoted else needed)(value)
    if hasattr(before, "comment"):
        text.comment = before.comment  # the one beside its `|`
    return text


def _alike(left: list[Any], right: list[Any]) -> int:
    """Count the items that two lists begin with alike."""
    return sum(1 for _ in takewhile(bool, map(json_equal, left, right)))
