"""Where two pod templates differ: the paths, as people write fields, and the values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.model.template_hash import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator

# What tells the items of a list apart: the first that all of them have.
_KEYS = ("name", "mountPath", "containerPort", "topologyKey")


def changed_paths(old: Any, new: Any, path: str = "spec.template") -> list[str]:
    """Returns the paths at which two templates differ, sorted, such as `spec.template.spec.containers[app].image`.

    An item of a list is named by its name, or by its place. Null and empty members are the same as absent ones.
    """
    return [where for where, _, _ in changes(old, new, path)]


def changes(old: Any, new: Any, path: str = "spec.template") -> list[tuple[str, Any, Any]]:
    """Returns the same paths, each with the old and the new value; None = absent."""
    found = {where: (where, before, after) for where, before, after in _changed(canonical(old), canonical(new), path)}
    return [found[where] for where in sorted(found)]


def _changed(old: Any, new: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(old, list) and isinstance(new, list):
        old, new, form = _named(old, new), _named(new, old), "{}[{}]"
    elif isinstance(old, dict) and isinstance(new, dict):
        form = "{}.{}"
    else:
        if old != new:
            yield path, old, new
        return
    for key in {**old, **new}:
        yield from _changed(old.get(key), new.get(key), form.format(path, key))


def _named(items: list[Any], others: list[Any]) -> dict[Any, Any]:
    """Returns the items of a list by the member that tells them, and those of another list, apart."""
    every = [*items, *others]
    key = next((key for key in _KEYS if all(isinstance(item, dict) and key in item for item in every)), None)
    return dict(enumerate(items)) if key is None else {item[key]: item for item in items}
