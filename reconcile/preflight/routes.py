"""The objects that route: whether their weights can be used, and where they stand."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from reconcile.core import messages, routers
from reconcile.core.routers.split import FULL
from reconcile.model.kinds import VIRTUAL_SERVICE
from reconcile.preflight.findings import Finding, Level
from reconcile.preflight.unreadable import need_hosts, unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.core.routers.split import Split
    from reconcile.model.kinds import Ref
    from reconcile.preflight.findings import Subject

_MISSING = "create it in the namespace of the Rollout, or correct {}"
_REFUSED = "correct what its controller names"
_UNEVEN = "its managed routes give the canary from {} to {} %; all move together"


def routes(subject: Subject) -> Iterator[Finding]:
    """Yields a route that cannot be used, and weights that somebody may not expect."""
    case, refs = subject.case, subject.case.rollout.routes
    need_hosts(subject)
    field = "spec.virtualService.name" if [ref.kind for ref in refs] == [VIRTUAL_SERVICE] else "spec.routes"
    for ref in refs:
        yield from unreadable(ref, partial(case.observation.split_of, ref), _MISSING.format(field))
    for ref, split in case.weights.splits.items():
        yield from _of_one(subject, ref, split)
    split = case.weights.split
    if split.lowest != split.highest and all(each.lowest == each.highest for each in case.weights.splits.values()):
        what = ", ".join(map(str, refs))
        message = _UNEVEN.format(split.lowest, split.highest)
        advice = "give all of them the same weights"
        yield Finding(level=Level.WARNING, object=what, path="", message=message, advice=advice)


def _of_one(subject: Subject, ref: Ref, split: Split) -> Iterator[Finding]:
    case = subject.case
    if said := split.refused or split.awaited:
        level, advice = (Level.ERROR, _REFUSED) if split.refused else (Level.WARNING, messages.SEE_THE_CONTROLLER)
        yield Finding(level=level, object=str(ref), path="status.parents", message=said, advice=advice)
    what = {"object": str(ref), "path": ".".join(min(split.lists))}
    if split.lowest != split.highest:
        message = _UNEVEN.format(split.lowest, split.highest)
        yield Finding(level=Level.WARNING, message=message, advice="give all of them the same weights", **what)
    elif any(route.total == FULL and not route.has(route.lowest) for route in split.routes):
        message = f"the weights do not add up to 100: they are counted from the canary's, {split.lowest}"
        yield Finding(level=Level.WARNING, message=message, advice="write weights that add up to 100", **what)
    manifest = case.observation.route(ref)
    for path, message, advice in routers.ROUTERS[ref.kind].remarks(manifest, split):
        yield Finding(level=Level.WARNING, object=str(ref), path=path, message=message, advice=advice)
    if split.highest and not case.state.phase:
        message = f"gives {split.highest} % to {case.spec.canary_host} already: the first pass goes on from there"
        yield Finding(level=Level.WARNING, message=message, advice="write 100 and 0, if that is not meant", **what)
