"""Findings about objects that cannot be used, and about invalid fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.core.stops import GateError
from reconcile.model.errors import InvalidObjectError
from reconcile.preflight.findings import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconcile.model.kinds import Ref
    from reconcile.preflight.findings import Subject


def invalid_field(ref: Ref, problem: str, advice: str = "") -> Finding:
    """Returns the error for a problem of the form `field.path: what is wrong`."""
    path, _, message = problem.partition(": ")
    return Finding(level=Level.ERROR, object=str(ref), path=path, message=message, advice=advice)


def need_hosts(subject: Subject) -> None:
    """Raises GateError where the Rollout lacks a usable host: nothing is said of objects without a name."""
    spec = subject.case.spec
    if not (spec.primary_host and spec.canary_host):
        raise GateError("the hosts are to be corrected first")


def unreadable(ref: Ref, view: Callable[[], object], advice: str) -> Iterator[Finding]:
    """Yields the reasons why an object cannot be used; nothing where the Rollout has no name for it.

    `view` reads the object. `advice` is for an object that is missing.
    """
    if not ref.name:
        return
    try:
        view()
    except GateError as error:
        if isinstance(error.__cause__, InvalidObjectError):
            yield from (invalid_field(ref, problem) for problem in error.__cause__.problems)
            return
        # Another error has its own advice: which rights are missing, which object may be meant.
        missing = error.reason == f"{ref} is missing"
        yield Finding(level=Level.ERROR, object=str(ref), message=error.reason, advice=advice if missing else "")
