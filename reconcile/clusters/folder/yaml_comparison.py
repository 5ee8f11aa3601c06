"""What differs between the values of a text and those wanted, member by member."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.clusters.folder.list_alignment import pairs
from reconcile.clusters.folder.yaml_documents import is_merge
from reconcile.clusters.folder.yaml_members import Members
from reconcile.clusters.folder.yaml_nodes import Alias, Mapping, Node, Sequence
from reconcile.clusters.json_equality import json_equal

if TYPE_CHECKING:
    from reconcile.clusters.folder.yaml_documents import Values
    from reconcile.clusters.folder.yaml_layout import Member
    from reconcile.clusters.folder.yaml_splices import Splices


class Comparison:
    """Finds what differs between the values of a text and those wanted, and has it written."""

    def __init__(self, splices: Splices, values: Values) -> None:
        self._layout = splices.layout
        self._splices = splices
        self._values = values
        self._now: dict[int, Any] = {}  # what the nodes of anchors become, where that is something else
        self.shared = ""
        """The first anchor whose value changes and that an alias stands for."""

    def change(self, member: Member, old: Any, new: Any) -> None:
        """Changes a value, as little of it as can be. Raises ValueError."""
        node = member.node
        if isinstance(node, Alias):
            before, old = old, self._now.get(id(node.target), old)
            if json_equal(before, new):
                return  # as it has to be, or the proof fails
        if json_equal(old, new):
            return
        if node.anchor is not None:
            self._now[id(node)] = new
            self.shared = self.shared or node.anchor * node.followed
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
