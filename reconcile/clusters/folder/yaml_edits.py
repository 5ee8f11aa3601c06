"""One object of a YAML text changed: what differs is written, and all else stays to the byte.

The result is proved by reading it again; what would not mean exactly what was wanted is refused, never guessed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.clusters.folder.list_alignment import pairs
from reconcile.clusters.folder.yaml_documents import Values, is_merge, read
from reconcile.clusters.folder.yaml_layout import Layout, Member
from reconcile.clusters.folder.yaml_members import Members
from reconcile.clusters.folder.yaml_nodes import Alias, Fault, Mapping, Node, Sequence
from reconcile.clusters.folder.yaml_splices import Splices
from reconcile.clusters.folder.yaml_style import Styles
from reconcile.clusters.json_equality import json_equal

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str | int, ...]

_UNREADABLE = "it is written in a way that a change does not survive ({})"
_TORN = "it is written with anchors, merge keys or layout that this change would tear apart"


class UneditableError(Exception):
    """The text is written in a way in which this change cannot be made without touching something else."""


def rewrite(text: str, place: Path, wanted: Any, indent: int = 0) -> str:
    """Returns the text of one document, all of it `indent` to the right, with the value at `place` replaced.

    Its first line begins behind the indentation. Raises UneditableError.
    """
    source = " " * indent + text
    problem = ""
    try:
        old = read(source)
        new = _with(old, place, wanted)
        for result in _candidates(source, old, new):
            fault = _differs(result, new)
            if fault is None:
                return result[indent:]
            problem = problem or fault
    except (Fault, ValueError, RecursionError) as error:
        problem = str(error).partition("\n")[0]
        raise UneditableError(_UNREADABLE.format(problem)) from error
    raise UneditableError(_UNREADABLE.format(problem) if problem else _TORN)


def _with(value: Any, path: Path, wanted: Any) -> Any:
    if not path:
        return wanted
    copy = value.copy()
    copy[path[0]] = _with(value[path[0]], path[1:], wanted)
    return copy


def _differs(text: str, wanted: Any) -> str | None:
    """Returns why a text does not mean what is wanted, in words if it is no YAML; None where it does."""
    try:
        return None if json_equal(read(text), wanted) else ""
    except Fault as fault:
        return fault.problem


def _candidates(source: str, old: Any, new: Any) -> Iterator[str]:
    """Yields the text with the changes, as it should be and then as it can be.

    A last line without an end stays one unless its text needs it. Lines below that have spaces only would become a part
    of a literal block: then texts of several lines are quoted.
    """
    # Every line gets an end, so that what is put below the last one needs no case of its own.
    missing = "" if source.endswith("\n") else "\r\n" if "\r\n" in source else "\n"
    for blocks in (True, False):
        result = _edited(source + missing, old, new, blocks=blocks)
        yield result.removesuffix(missing)
        yield result


def _edited(source: str, old: Any, new: Any, *, blocks: bool) -> str:
    values = Values()
    root = values.compose(source)
    if root is None:
        raise ValueError("it is empty")
    layout = Layout(source, root)
    splices = Splices(layout, Styles(layout, blocks=blocks))
    whole = Member(node=root, start=root.start, end=root.end, after=-1, column=0, flow=False, dash=False)
    _Comparison(splices, values).change(whole, old, new)
    return splices.applied()


class _Comparison:
    """Finds what differs between the values of a text and those wanted, and has it written."""

    def __init__(self, splices: Splices, values: Values) -> None:
        self._layout = splices.layout
        self._splices = splices
        self._values = values
        self._now: dict[int, Any] = {}  # what the nodes of anchors become, where that is something else

    def change(self, member: Member, old: Any, new: Any) -> None:
        """Changes a value, as little of it as can be. Raises UneditableError."""
        node = member.node
        if isinstance(node, Alias):
            before, old = old, self._now.get(id(node.target), old)
            if json_equal(before, new) and not json_equal(old, new):
                raise UneditableError("an anchor gives its value to another place too, and that has to stay")
        if json_equal(old, new):
            return
        if node.anchor is not None:
            self._now[id(node)] = new
        if isinstance(node, Mapping) and isinstance(old, dict) and isinstance(new, dict):
            self._mapping(member, node, old, new)
        elif isinstance(node, Sequence) and old and new and isinstance(new, list):
            self._sequence(node, old, new)
        else:
            self._replace(member, new)

    def _replace(self, member: Member, new: Any) -> None:
        if member.node is self._layout.root:
            raise ValueError("nothing of it would stay")
        self._splices.replace(member, new)

    def _mapping(self, member: Member, node: Mapping, old: dict[str, Any], new: dict[str, Any]) -> None:
        members = self._layout.members(node)
        own = {self._values.key(key): index for index, (key, _) in enumerate(node.entries) if not is_merge(key)}
        merged = self._merged(node)
        gone = [index for name, index in own.items() if name not in new]
        if len(gone) == len(members) and (node is not self._layout.root or not members):
            self._replace(member, new)
            return
        for name, index in own.items():
            if name in new:
                self.change(members[index], old[name], new[name])
        Members(self._splices, members).remove(gone)
        last = len(members) - 1 if not own else max(own.values())
        for name, value in new.items():
            last = own.get(name, last)
            if name not in own and not (name in merged and json_equal(merged[name], value)):
                Members(self._splices, members).insert_entry(last, name, value)

    def _merged(self, node: Mapping) -> dict[str, Any]:
        """Returns what merge keys give to a mapping once their anchors are changed."""
        merged: dict[str, Any] = {}
        for key, item in node.entries:
            if is_merge(key):
                given = self._value(item)
                for other in reversed(given if isinstance(given, list) else [given]):
                    merged |= other
        return merged

    def _value(self, node: Node) -> Any:
        if isinstance(node, Alias):
            return self._now[id(node.target)] if id(node.target) in self._now else self._values.of(node.target)
        return [self._value(item) for item in node.children] if isinstance(node, Sequence) else self._values.of(node)

    def _sequence(self, node: Sequence, old: list[Any], new: list[Any]) -> None:
        members = self._layout.members(node)
        aligned = pairs(old, new)
        last = -1
        for before, after in aligned:
            if before is None and after is not None:
                Members(self._splices, members).insert_item(last, new[after])
            elif before is not None and after is not None:
                self.change(members[before], old[before], new[after])
                last = before
        gone = [before for before, after in aligned if before is not None and after is None]
        Members(self._splices, members).remove(gone)
