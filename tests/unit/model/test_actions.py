"""What a person asks for by annotations on a Rollout."""

from __future__ import annotations

from typing import Any

import pytest

from reconcile.model import actions
from reconcile.model.actions import Action, Verb


@pytest.mark.parametrize("annotations", [None, {}, {"apps.weave.works/abort": ""}, {"app": "podinfo"}, "no mapping"])
def test_nothing_is_asked_for_without_a_value(annotations: Any) -> None:
    assert actions.parse(annotations).asked == {}


@pytest.mark.parametrize(
    ("action", "value", "revision", "argument"),
    [
        (Action.ABORT, "v1-3f9a", "v1-3f9a", ""),
        (Action.PAUSE, " * ", "*", ""),
        (Action.PROMOTE, "v1-3f9a", "v1-3f9a", ""),
        (Action.APPROVE, "v1-3f9a", "v1-3f9a", ""),
        (Action.APPROVE, "v1-3f9a/40", "v1-3f9a", "40"),
        (Action.RETRY, "v1-3f9a/again", "v1-3f9a", "again"),
    ],
)
def test_an_action_names_its_revision_and_what_follows(
    action: Action, value: str, revision: str, argument: str
) -> None:
    found = actions.parse({f"apps.weave.works/{action}": value})
    assert found.revision(action) == revision
    assert found.argument(action) == argument
    assert [found.revision(other) for other in Action if other is not action] == [""] * 4


@pytest.mark.parametrize(
    ("verb", "argument", "written"),
    [
        (Verb.ABORT, "", {Action.ABORT: "v1-3f9a"}),
        (Verb.PAUSE, "", {Action.PAUSE: "v1-3f9a"}),
        (Verb.RESUME, "", {Action.PAUSE: None}),
        (Verb.PROMOTE, "", {Action.PROMOTE: "v1-3f9a"}),
        (Verb.APPROVE, "40", {Action.APPROVE: "v1-3f9a/40"}),
        (Verb.RETRY, "again", {Action.RETRY: "v1-3f9a/again", Action.ABORT: None}),
    ],
)
def test_a_verb_is_written_as_annotations(verb: Verb, argument: str, written: dict[Action, str | None]) -> None:
    assert verb.annotations("v1-3f9a", argument) == written
