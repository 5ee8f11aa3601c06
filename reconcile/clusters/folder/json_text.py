"""JSON text: read, and written again where that keeps its layout.

JSON has neither comments nor anchors: a text that is formatted in one of the usual ways is written again as a whole,
and only the lines of what changed differ. Any other text is refused, so that no layout is lost.
"""

from __future__ import annotations

import json
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

from reconcile.clusters.folder.yaml_edits import UneditableError, replaced
from reconcile.clusters.folder.yaml_nodes import Fault

if TYPE_CHECKING:
    from reconcile.clusters.folder.yaml_edits import Path

_WIDE, _COMPACT = (", ", ": "), (",", ":")
_LAYOUTS: tuple[tuple[int | str | None, tuple[str, str]], ...] = (
    *((indent, (",", ": ")) for indent in (2, 4, "\t", 3, 1, 8)),
    *((None, separators) for separators in (_COMPACT, _WIDE)),
)
# Go escapes these in each string: so does `kubectl -o json`.
_ESCAPED_BY_GO = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


def read(text: str) -> Any:
    """Returns the value of a text. Raises Fault, also for a key that is there twice."""
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except json.JSONDecodeError as error:
        raise Fault(error.msg[:1].lower() + error.msg[1:], error.pos) from error
    except RecursionError as error:
        raise Fault("it is nested too deep", 0) from error
    except ValueError as error:
        raise Fault(str(error), 0) from error


def rewrite(text: str, place: Path, wanted: Any) -> str:
    """Returns the text with the value at `place` replaced. Raises UneditableError."""
    old = read(text)
    body = text.rstrip()
    written = next((form for form in _FORMS if form(old) == body), None)
    if written is None:
        raise UneditableError("its layout would not survive that: format it, such as with `jq .`, or write it as YAML")
    return written(replaced(old, place, wanted)) + text[len(body) :]


def _written(value: Any, *, indent: int | str | None, separators: tuple[str, str], ascii_only: bool, go: bool) -> str:
    text = json.dumps(value, indent=indent, separators=separators, ensure_ascii=ascii_only)
    return text.translate(_ESCAPED_BY_GO) if go else text


_FORMS = tuple(
    partial(_written, indent=indent, separators=separators, ascii_only=ascii_only, go=go)
    for (indent, separators), ascii_only, go in product(_LAYOUTS, (False, True), (False, True))
)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f'the key "{next(name for name in names if names.count(name) > 1)}" is there twice')
    return found


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
