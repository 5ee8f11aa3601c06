"""A JSON patch in one short phrase. The patch itself, with every `test`, is in the record."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from reconcile.model.fields import mappings
from reconcile.report import lenient
from reconcile.report.plain_data import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconcile.model.plan import Operation, Patch

_WEIGHT = re.compile(r"(?P<entry>/spec/(?P<route>\w+/\d+)/\w+/\d+)/weight")
_LONG = 60
_TEMPLATE = "/spec/template"


def summarize(patch: Patch) -> str:
    """Returns what a patch changes: `podinfo 60 → 50, podinfo-canary 40 → 50`, `pod template`, `replicas 2 → 0`."""
    if patch.subresource:
        return patch.subresource
    tested = _tested_values(patch.operations)
    changes = [_change(operation, tested) for operation in patch.operations if operation.get("op") != "test"]
    return ", ".join(_merge_routes(changes)) or "no change"


def _change(operation: Operation, tested: dict[str, Any]) -> tuple[str, str]:
    """Returns one change in words, and the index of the route that it is in ("" = none)."""
    path = str(operation.get("path"))
    if operation.get("op") not in {"add", "replace"}:
        return f"{operation.get('op')} {path}", ""
    weight = _WEIGHT.fullmatch(path)
    if weight and (host := _host(weight["entry"], tested)):
        old = tested.get(path, _destination(weight["entry"], tested).get("weight"))
        return _transition(host, old, operation), weight["route"]
    if path == _TEMPLATE:
        return _template(tested.get(path), operation.get("value")), ""
    name = "replicas" if path == "/spec/replicas" else path
    return _transition(name, tested.get(path), operation), ""


def _template(old: Any, new: Any) -> str:
    """Returns which images change; `-o patch` shows what else does."""
    before, after = _images(old), _images(new)
    changed = [
        f"{name} {_value(before[name])} → {_value(image)}"
        for name, image in after.items()
        if name in before and before[name] != image
    ]
    return f"pod template ({', '.join(changed)})" if changed else "pod template"


def _images(template: Any) -> dict[str, str]:
    containers = mappings(lenient.mapping(lenient.mapping(template).get("spec")).get("containers"))
    return {lenient.text(container.get("name")): lenient.text(container.get("image")) for container in containers}


def _transition(name: str, old: Any, operation: Operation) -> str:
    new = operation.get("value")
    was = "" if old is None or old == new else f" {_value(old)}"
    return f"{name}{was} → {_value(new)}"


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(plain(value))
    return text if len(text) <= _LONG else f"{text[: _LONG - 1]}…"


def _tested_values(operations: Sequence[Operation]) -> dict[str, Any]:
    return {str(op.get("path")): op.get("value") for op in operations if op.get("op") == "test"}


def _destination(path: str, tested: dict[str, Any]) -> dict[str, Any]:
    """Returns a route destination that is tested as a whole: one without a weight is."""
    return lenient.mapping(tested.get(path))


def _host(path: str, tested: dict[str, Any]) -> str:
    entry = _destination(path, tested)
    whole = lenient.mapping(entry.get("destination")).get("host") or entry.get("name")
    return str(tested.get(f"{path}/destination/host") or tested.get(f"{path}/name") or whole or "")


def _merge_routes(changes: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yields the same change in several routes once, with their number."""
    counts = Counter(words for words, _ in changes)
    several = len({route for _, route in changes if route}) > 1
    for words, count in counts.items():
        yield f"{words} (in {count} routes)" if several and count > 1 else words
