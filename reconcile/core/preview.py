"""What a promotion will change in the primary's template beside the images, for people to see in time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from reconcile.core.stops import StopError
from reconcile.model.plan import Change
from reconcile.model.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconcile.core.case import Case

_IMAGE = r"spec\.template\.spec\.(initC|c)ontainers\[[^\]]*\]\.image"
# What may have passwords in it: of these the path is told, and no value.
_UNTOLD = frozenset({"env", "args", "command", "httpHeaders", "annotations"})


def promotion_changes(case: Case) -> tuple[Change, ...]:
    """Returns what a promotion of the canary's present template changes, by path, images left out.

    Empty where there is nothing to promote, where the copy is made, and where an object cannot be used.
    """
    if case.observation.surroundings is None:
        return ()
    try:
        found = case.objects
        if case.record.is_copied:
            return ()
        return tuple(_told(found.changed_by_copy))
    except StopError:
        return ()


def _told(changes: Iterable[tuple[str, Any, Any]]) -> Iterator[Change]:
    for path, before, after in changes:
        if re.fullmatch(_IMAGE, path):
            continue
        told = _UNTOLD.isdisjoint(re.split(r"[.\[\]]", path))
        yield Change(path=path, before=_words(before) if told else "", after=_words(after) if told else "")


def _words(value: Any) -> str:
    return "not set" if value is None else shown(value)
