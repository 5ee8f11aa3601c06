"""The revision on record, and what a hash that differs means."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from reconcile.core.revision import recorded, refreshed
from reconcile.model.objects import Deployment, deployment
from reconcile.model.rollout import State
from reconcile.model.template_hash import revision
from tests.support import world


def canary(image: str = "1.2.1", uid: str = "u-1", generation: int | None = 3) -> Deployment:
    manifest = world.deployment("podinfo-canary", image)
    manifest["metadata"] |= {"uid": uid} | ({} if generation is None else {"generation": generation})
    return deployment(manifest)


KNOWN = State(canary_revision="v1-before", promoted_revision="v1-before", canary_uid="u-1", canary_generation=3)


def test_a_hash_that_differs_for_the_same_object_is_taken_over_in_silence() -> None:
    now = revision(canary().template)
    assert refreshed(KNOWN, canary()) == replace(KNOWN, canary_revision=now, promoted_revision=now)
    other = replace(KNOWN, promoted_revision="v1-earlier")
    assert refreshed(other, canary()) == replace(other, canary_revision=now)


@pytest.mark.parametrize(
    ("state", "found"),
    [
        (KNOWN, canary(generation=4)),
        (KNOWN, canary(uid="u-2")),
        (KNOWN, canary(generation=None)),
        (replace(KNOWN, canary_generation=None), canary()),
        (replace(KNOWN, canary_generation=None), canary(generation=None)),
        (replace(KNOWN, canary_uid=""), canary()),
        (State(), canary()),
        (replace(KNOWN, canary_revision=revision(canary().template)), canary()),
    ],
)
def test_otherwise_the_state_stays_as_it_is(state: State, found: Deployment) -> None:
    assert refreshed(state, found) is state


def test_what_is_recorded_is_the_hash_and_what_it_was_computed_from() -> None:
    found = recorded(replace(State(), canary_weight=30), canary())
    assert found == State(
        canary_revision=revision(canary().template), canary_generation=3, canary_uid="u-1", canary_weight=30
    )
    bare = deployment(world.deployment("podinfo-canary", "1"))
    assert (recorded(State(), bare).canary_uid, recorded(State(), bare).canary_generation) == ("", None)
