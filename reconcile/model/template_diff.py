"""The paths at which two pod templates differ, as people write fields."""

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
    return sorted(dict.fromkeys(_changed(canonical(old), canonical(new), path)))


def _changed(old: Any, new: Any, path: str) -> Iterator[str]:
    if isinstance(old, list) and isinstance(new, list):
        old, new, form = _named(old, new), _named(new, old), "{}[{}]"
    elif isinstance(old, dict) and isinstance(new, dict):
        form = "{}.{}"
    else:
        if old != new:
            yield path
        return
    for key in {**old, **new}:
        yield from _changed(old.get(key), new.get(key), form.format(path, key))


def _named(items: list[Any], others: list[Any]) -> dict[Any, Any]:
    """Returns the items of a list by the member that tells them, and those of another list, apart."""
    every = [*items, *others]
    key = next((key for key in _KEYS if all(isinstance(item, dict) and key in item for item in every)), None)
    return dict(enumerate(items)) if key is None else {item[key]: item for item in items}
