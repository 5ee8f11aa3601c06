"""Operations of a JSON patch in the words of those who read them.

Duty: one Patch -> one short phrase. The patch itself, with every `test`, is in the record.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from reconcile.report import lenient
from reconcile.report.record import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconcile.model.plan import Operation, Patch

_WEIGHT = re.compile(r"(?P<entry>/spec/http/(?P<route>\d+)/route/\d+)/weight")
_LONG = 60
_TEMPLATE = "/spec/template"


def summary(patch: Patch) -> str:
    """Say what a patch changes: `podinfo 60 → 50, podinfo-canary 40 → 50`, `pod template`, `replicas 2 → 0`."""
    if patch.subresource:
        return patch.subresource
    seen = _tested(patch.operations)
    changes = [_changed(operation, seen) for operation in patch.operations if operation.get("op") != "test"]
    return ", ".join(_merged(changes)) or "no change"


def _changed(operation: Operation, seen: dict[str, Any]) -> tuple[str, str]:
    """Give one change in words, and the route that it is about ("" = none)."""
    path = str(operation.get("path"))
    if operation.get("op") not in {"add", "replace"}:
        return f"{operation.get('op')} {path}", ""
    weight = _WEIGHT.fullmatch(path)
    if weight and (host := _host(weight["entry"], seen)):
        return _moved(host, seen.get(path, _entry(weight["entry"], seen).get("weight")), operation), weight["route"]
    if path == _TEMPLATE:
        return _template(seen.get(path), operation.get("value")), ""
    name = "replicas" if path == "/spec/replicas" else path
    return _moved(name, seen.get(path), operation), ""


def _template(old: Any, new: Any) -> str:
    """Say which images change; whatever else does is for `-o patch` to show."""
    before, after = _images(old), _images(new)
    moved = [
        f"{name} {_value(before[name])} → {_value(image)}"
        for name, image in after.items()
        if name in before and before[name] != image
    ]
    return f"pod template ({', '.join(moved)})" if moved else "pod template"


def _images(template: Any) -> dict[str, str]:
    containers = lenient.mappings(lenient.mapping(lenient.mapping(template).get("spec")).get("containers"))
    return {lenient.text(container.get("name")): lenient.text(container.get("image")) for container in containers}


def _moved(name: str, old: Any, operation: Operation) -> str:
    new = operation.get("value")
    was = "" if old is None or old == new else f" {_value(old)}"
    return f"{name}{was} → {_value(new)}"


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(plain(value))
    return text if len(text) <= _LONG else f"{text[: _LONG - 1]}…"


def _tested(operations: Sequence[Operation]) -> dict[str, Any]:
    return {str(op.get("path")): op.get("value") for op in operations if op.get("op") == "test"}


def _entry(path: str, seen: dict[str, Any]) -> dict[str, Any]:
    """Give a destination that was tested as a whole, as one without a weight is."""
    return lenient.mapping(seen.get(path))


def _host(path: str, seen: dict[str, Any]) -> str:
    whole = lenient.mapping(_entry(path, seen).get("destination")).get("host")
    return str(seen.get(f"{path}/destination/host") or whole or "")


def _merged(changes: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Say once what is the same in several routes."""
    routes: dict[str, int] = {}
    for words, _ in changes:
        routes[words] = routes.get(words, 0) + 1
    several = len({route for _, route in changes if route}) > 1
    for words, count in routes.items():
        yield f"{words} (in {count} routes)" if several and count > 1 else words
