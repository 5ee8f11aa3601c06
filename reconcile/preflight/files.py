"""What is wrong in a folder of manifests, whether a Rollout refers to it or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.model import objects, service
from reconcile.model.errors import InvalidObjectError
from reconcile.model.kinds import AUTOSCALER, DEPLOYMENT, ROLLOUT, SERVICE
from reconcile.preflight.findings import Finding, Level, Result, completed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from reconcile.model.kinds import Kind, Manifest

_PARSERS: dict[Kind, Callable[[Manifest], object]] = {
    DEPLOYMENT: objects.deployment,
    SERVICE: service.service,
    AUTOSCALER: objects.autoscaler,
}


def files(manifests: Mapping[str, Manifest], faults: Iterable[tuple[str, str]] = ()) -> Result:
    """Returns what cannot be read, which objects are incomplete, and which look like Rollouts and are none.

    The keys are the places where they stand: `file: Kind name`. `faults` are places with what is wrong there.
    """
    found = [Finding(level=Level.WARNING, object=place, message=words) for place, words in faults]
    found += [finding for place, manifest in manifests.items() for finding in _of(place, manifest)]
    return completed("files", found, lambda: "every Rollout in the folder is one")


def _of(place: str, manifest: Manifest) -> Iterator[Finding]:
    for kind, parse in _PARSERS.items():
        if kind.matches(manifest):
            yield from _incomplete(place, manifest, parse)
            return
    if not ROLLOUT.matches(manifest):
        yield from _lookalike(place, manifest)


def _incomplete(place: str, manifest: Manifest, parse: Callable[[Manifest], object]) -> Iterator[Finding]:
    """Yields what keeps an object from being used: it is a patch, or has variables in it."""
    try:
        parse(manifest)
    except InvalidObjectError as error:
        for problem in error.problems:
            path, _, message = problem.partition(": ")
            yield Finding(level=Level.WARNING, object=place, path=path, message=message)


def _lookalike(place: str, manifest: Manifest) -> Iterator[Finding]:
    kind, version = str(manifest.get("kind")), str(manifest.get("apiVersion"))
    group = version.rpartition("/")[0]
    wanted = f"apiVersion: {ROLLOUT.api_version(ROLLOUT.versions[0])} and kind: {ROLLOUT.name}"
    what = f"apiVersion: {version} and kind: {kind}"
    if group == ROLLOUT.group:
        yield Finding(level=Level.ERROR, object=place, message=f"has {what}, not {wanted}")
    elif kind.lower() == ROLLOUT.name.lower():
        message = f"has {what}: that is another tool's, and is not looked at"
        advice = f"if it is meant for steerer, write {wanted}"
        yield Finding(level=Level.INFO, object=place, message=message, advice=advice)
