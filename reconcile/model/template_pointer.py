"""JSON pointers into pod templates, such as `/metadata/labels/track`: what they lead to, and how it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.model.copies import copy_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.model.kinds import Manifest

# To a member of a mapping below metadata or spec. An item of a list has no absence that could be kept: the others would
# take its place.
POINTER = r"/(metadata|spec)(/([^/~]|~[01])+)*/([^/~]|~[01])*([^/~0-9]|~[01])([^/~]|~[01])*"
_LABELS = ("metadata", "labels")


def members(pointer: str) -> tuple[str, ...]:
    """Returns the names on the way of a pointer, without its escapes."""
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])


def label(pointer: str) -> str | None:
    """Returns the key of the label that a pointer leads to; None if it leads elsewhere."""
    *parents, name = members(pointer)
    return name if tuple(parents) == _LABELS else None


def leads_somewhere(template: Manifest, pointer: str) -> bool:
    """Returns whether a template has something at a pointer."""
    found: Any = template
    for name in members(pointer):
        found = _item(found, name)
        if found is None:
            return False
    return True


def keep(template: Manifest, source: Manifest, pointer: str) -> None:
    """Gives a template what `source` has at a pointer: the value, or its absence. `template` is changed in place.

    An item of a list is the one of that place in `template`; that of `source` is the one of the same name, if it has a
    name. Doing it twice is the same as doing it once.
    """
    _keep(template, source, members(pointer))


def _keep(node: Any, source: Any, names: Sequence[str]) -> None:
    name, rest = names[0], names[1:]
    if isinstance(node, list):
        item = _item(node, name)
        if item is not None:
            _keep(item, _same(source, item, int(name)), rest)
        return
    if not isinstance(node, dict):
        return
    there = source.get(name) if isinstance(source, dict) else None
    if not rest:
        if there is None:
            node.pop(name, None)
        else:
            node[name] = copy_of(there)
        return
    if node.get(name) is None and isinstance(there, dict):
        node[name] = {}
    _keep(node.get(name), there, rest)


def _item(value: Any, name: str) -> Any:
    """Returns a member of a mapping or an item of a list; None if there is none."""
    if isinstance(value, dict):
        return value.get(name)
    has_it = isinstance(value, list) and name.isdecimal() and name.isascii() and int(name) < len(value)
    return value[int(name)] if has_it else None


def _same(items: Any, item: Any, place: int) -> Any:
    """Returns the item of another list that has the same name, else that of the same place; None if there is none."""
    others = items if isinstance(items, list) else []
    name = item.get("name") if isinstance(item, dict) else None
    if name is None:
        return others[place] if place < len(others) else None
    return next((other for other in others if isinstance(other, dict) and other.get("name") == name), None)
