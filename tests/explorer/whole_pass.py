"""The laws of a whole undisturbed pass, which `tests/random_worlds` checks as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jsonpatch
import pytest

from reconcile.model.plan import Plan, Result
from tests.support.fakes import ref_of
from tests.support.laws import LAWS, Turn
from tests.support.strategies import Scene
from tests.support.world import SUCCESS

if TYPE_CHECKING:
    from reconcile.model.kinds import Manifest, Ref
    from reconcile.model.measurement import Failure


def broken(plan: Plan, manifests: list[Manifest], value: float | Failure, interval: float) -> tuple[str, ...]:
    """Returns the violations of a plan when all of it is written to the world that it is for."""
    scene = Scene(manifests=manifests, values={SUCCESS: value}, interval=interval, versioned=True, calm=True)
    before = {ref_of(manifest): manifest for manifest in manifests}
    try:
        turn = Turn(scene=scene, plan=plan, result=Result.APPLIED, before=before, after=_written(plan, before))
    except jsonpatch.JsonPatchException as error:
        return (f"11: a plan that does not apply to what it was made for: {error}",)
    found = []
    for law in LAWS:
        try:
            law(turn)
        except (AssertionError, LookupError, pytest.fail.Exception):
            found.append(f"{law.__name__}: {law.__doc__}")
    return tuple(found)


def _written(plan: Plan, before: dict[Ref, Manifest]) -> dict[Ref, Manifest]:
    after = dict(before)
    for patch in plan.patches:
        new = jsonpatch.apply_patch(after[patch.target], list(patch.operations))
        old = after[patch.target]
        after[patch.target] = old | {"status": new["status"]} if patch.subresource else new
    return after
