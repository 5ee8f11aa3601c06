"""What a person asks for is stored alike in every cluster, with its prefix and beside what others wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconcile.engine.action_request import annotate, find, revision_meant
from reconcile.engine.selection import Selection
from reconcile.model import objects
from reconcile.model.actions import ANY_REVISION, Action
from reconcile.model.errors import LostRaceError
from reconcile.model.kinds import DEPLOYMENT, ROLLOUT
from tests.support.world import deployment, rollout

if TYPE_CHECKING:
    from reconcile.engine.action_request import Found
    from tests.contract.sandboxes import Sandbox

PREFIX = "apps.weave.works/"
NOTE = {"shop.example.com/team": "checkout"}


@pytest.fixture
def release(sandbox: Sandbox) -> Sandbox:
    """Returns a cluster with a Rollout and its canary, which has no pods."""
    names = {"podinfo": rollout(), "podinfo-canary": deployment("podinfo-canary", "podinfo:2", 0)}
    sandbox.create(*(manifest | {"metadata": {"name": name}} for name, manifest in names.items()))
    return sandbox


def read(sandbox: Sandbox) -> Found:
    return find(sandbox.cluster, Selection(namespaces=(sandbox.namespace,), names=("podinfo",)))


def ask(sandbox: Sandbox, found: Found, **wanted: str | None) -> None:
    patch = annotate(found, {Action(name): value for name, value in wanted.items()})
    assert patch is not None
    sandbox.cluster.patch(patch)


def stored(sandbox: Sandbox) -> dict[str, Any]:
    annotations: dict[str, Any] = sandbox.get(sandbox.ref(ROLLOUT, "podinfo"))["metadata"].get("annotations") or {}
    return {key: value for key, value in annotations.items() if not key.startswith("kubectl.")}


def test_the_revision_meant_is_that_of_the_stored_canary(release: Sandbox) -> None:
    canary = release.get(release.ref(DEPLOYMENT, "podinfo-canary"))
    assert revision_meant(release.cluster, read(release).rollout) == objects.deployment(canary).revision


def test_the_first_annotation_the_next_one_and_none_again(release: Sandbox) -> None:
    revision = revision_meant(release.cluster, read(release).rollout)
    ask(release, read(release), pause=ANY_REVISION)
    assert stored(release) == {f"{PREFIX}pause": "*"}
    ask(release, read(release), approve=f"{revision}/20")
    assert stored(release) == {f"{PREFIX}pause": "*", f"{PREFIX}approve": f"{revision}/20"}
    ask(release, read(release), approve=None, pause=None)
    assert stored(release) == {}
    assert annotate(read(release), {Action.PAUSE: None}) is None


def test_what_others_noted_stays(release: Sandbox) -> None:
    release.change(release.ref(ROLLOUT, "podinfo"), {"metadata": {"annotations": NOTE}})
    ask(release, read(release), abort="v1-a")
    ask(release, read(release), abort=None, retry="v1-a/1")
    assert stored(release) == {**NOTE, f"{PREFIX}retry": "v1-a/1"}


def test_annotations_that_somebody_changed_meanwhile_refuse_it(release: Sandbox) -> None:
    release.change(release.ref(ROLLOUT, "podinfo"), {"metadata": {"annotations": NOTE}})
    found = read(release)
    release.change(release.ref(ROLLOUT, "podinfo"), {"metadata": {"annotations": {f"{PREFIX}pause": "v1-a"}}})
    with pytest.raises(LostRaceError):
        ask(release, found, abort="v1-a")
    assert stored(release) == {**NOTE, f"{PREFIX}pause": "v1-a"}


def test_a_pass_that_writes_the_status_meanwhile_does_not_refuse_it(release: Sandbox) -> None:
    release.change(release.ref(ROLLOUT, "podinfo"), {"metadata": {"annotations": NOTE}})
    found = read(release)
    release.write_status(release.ref(ROLLOUT, "podinfo"), {"phase": "Progressing"})
    ask(release, found, abort="v1-a")
    assert stored(release) == {**NOTE, f"{PREFIX}abort": "v1-a"}
