"""One object of a YAML text changed: what differs is written, and all else stays to the byte.

The result is proved by reading it again; what would not mean exactly what was wanted is refused, never guessed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.clusters.folder.yaml_comparison import Comparison
from reconcile.clusters.folder.yaml_documents import Values, read
from reconcile.clusters.folder.yaml_layout import Layout, Member
from reconcile.clusters.folder.yaml_nodes import Fault
from reconcile.clusters.folder.yaml_splices import Splices
from reconcile.clusters.folder.yaml_style import Styles
from reconcile.clusters.json_equality import json_equal

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str | int, ...]

_SHARED = "the value of the anchor &{} is used in another place too, and that would change with it"
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
        new = replaced(old, place, wanted)
        for result, shared in _candidates(source, old, new):
            fault = _differs(result, new)
            if fault is None:
                return result[indent:]
            problem = problem or _words(shared, fault)
    except (Fault, ValueError, RecursionError) as error:
        raise UneditableError(_UNREADABLE.format(str(error).partition("\n")[0])) from error
    raise UneditableError(problem)


def _words(shared: str, fault: str) -> str:
    if shared:
        return _SHARED.format(shared)
    return _UNREADABLE.format(fault) if fault else _TORN


def replaced(value: Any, path: Path, wanted: Any) -> Any:
    """Returns a copy of a value in which the one at `path` is another."""
    if not path:
        return wanted
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], wanted)
    return copy


def _differs(text: str, wanted: Any) -> str | None:
    """Returns why a text does not mean what is wanted, in words if it is no YAML; None where it does."""
    try:
        return None if json_equal(read(text), wanted) else ""
    except Fault as fault:
        return fault.problem


def _candidates(source: str, old: Any, new: Any) -> Iterator[tuple[str, str]]:
    """Yields the text with the changes, as it should be and then as it can be, and an anchor that may be at fault.

    A last line without an end stays one unless its text needs it. Lines below that have spaces only would become a part
    of a literal block: then texts of several lines are quoted.
    """
    # Every line gets an end, so that what is put below the last one needs no case of its own.
    missing = "" if source.endswith("\n") else "\r\n" if "\r\n" in source else "\n"
    for blocks in (True, False):
        result, shared = _edited(source + missing, old, new, blocks=blocks)
        yield result.removesuffix(missing), shared
        if missing:
            yield result, shared


def _edited(source: str, old: Any, new: Any, *, blocks: bool) -> tuple[str, str]:
    values = Values()
    root = values.compose(source)
    if root is None:
        raise ValueError("it is empty")
    layout = Layout(source, root)
    splices = Splices(layout, Styles(layout, blocks=blocks))
    whole = Member(node=root, start=root.start, end=root.end, after=-1, column=0, flow=False, dash=False)
    comparison = Comparison(splices, values)
    comparison.change(whole, old, new)
    return splices.applied(), comparison.shared
