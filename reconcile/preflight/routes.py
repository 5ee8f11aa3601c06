"""The object that routes: whether its weights can be used, and where they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.preflight.findings import Finding, Level
from reconcile.preflight.unreadable import need_hosts, unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.preflight.findings import Subject

_MISSING = "create it in the namespace of the Rollout, or correct spec.virtualService.name"


def routes(subject: Subject) -> Iterator[Finding]:
    """Yields a route that cannot be used, and weights that somebody may not expect."""
    case, ref = subject.case, subject.case.rollout.route
    need_hosts(subject)
    yield from unreadable(ref, lambda: case.weights.split, _MISSING)
    split = case.weights.split
    what = {"object": str(ref), "path": "spec.http"}
    if split.lowest != split.highest:
        message = f"its managed routes give the canary from {split.lowest} to {split.highest} %; all move together"
        yield Finding(level=Level.WARNING, message=message, advice="give all of them the same weights", **what)
    elif split.operations(split.lowest):
        message = f"the weights do not add up to 100: they are counted from the canary's, {split.lowest}"
        yield Finding(level=Level.WARNING, message=message, advice="write weights that add up to 100", **what)
    for path, taker in split.taken:
        message = f"gets no request: {taker} comes before it and takes them all"
        advice = "move it up, or let the one before it match less"
        yield Finding(level=Level.WARNING, object=str(ref), path=path, message=message, advice=advice)
    if split.highest and not case.state.phase:
        message = f"gives {split.highest} % to {case.spec.canary_host} already: the first pass goes on from there"
        yield Finding(level=Level.WARNING, message=message, advice="write 100 and 0, if that is not meant", **what)
