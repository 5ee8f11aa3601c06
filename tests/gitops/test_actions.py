"""The actions that Argo CD offers on a Rollout, and what it writes for each, by its own Lua and its own patch."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from reconcile.model import rights
from reconcile.model.actions import Action, parse
from tests.apiserver.steering import Metrics, Steerer, account, get, install
from tests.gitops.shipped import ARGOCD, CUSTOMIZATION, documents
from tests.support import fast_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.components.controlplane import ControlPlane
    from tests.components.verdicts import Verdicts

PREFIX = "apps.weave.works/"
VERBS = ("abort", "pause", "resume", "promote", "approve", "retry")
EXAMPLES = sorted((CUSTOMIZATION / "testdata").glob("*.yaml"))
REVISION = "v1-9a4985b40905cc50aaf8"


def example(name: str = "under-way-with-traffic", **annotations: str) -> dict[str, Any]:
    """Returns a Rollout as passes have left it, with annotations of steerer's prefix."""
    [found] = documents(CUSTOMIZATION / "testdata" / f"{name}.yaml")
    if annotations:
        found["metadata"]["annotations"] = {PREFIX + key: value for key, value in annotations.items()}
    return found


def revision(rollout: dict[str, Any]) -> str:
    return str(rollout["status"]["canaryRevision"])


def in_phase(phase: str, *conditions: dict[str, str], **annotations: str) -> dict[str, Any]:
    found = example(**annotations)
    found["status"] |= {"phase": phase, "canaryRevision": REVISION}
    found["status"]["conditions"] = [*conditions]
    return found


def offered(verdicts: Verdicts, argocd: str, *rollouts: dict[str, Any]) -> list[set[str]]:
    """Returns the actions that can be chosen on each Rollout. All of them are listed on each."""
    answers = verdicts.ask("argocd-offers", *({"object": item, "namespace": argocd} for item in rollouts))
    assert [sorted(answer) for answer in answers] == [sorted(VERBS)] * len(rollouts)
    return [{name for name, enabled in answer.items() if enabled} for answer in answers]


def patches(verdicts: Verdicts, argocd: str, action: str, *rollouts: dict[str, Any]) -> list[Any]:
    """Returns the merge patches that Argo CD sends for an action."""
    asked = ({"object": item, "namespace": argocd, "action": action} for item in rollouts)
    return verdicts.ask("argocd-action", *asked)


def annotated(**annotations: str | None) -> dict[str, Any]:
    return {"metadata": {"annotations": {PREFIX + key: value for key, value in annotations.items()}}}


# What is offered.


# In a Rollout without steps, and where nobody has asked for anything.
CHOSEN = {
    "Progressing": {"abort", "pause", "promote"},
    "Promoting": {"pause"},
    "Finalising": {"pause"},
    "RollingBack": {"pause"},
    "Failed": {"retry"},
}


def test_what_can_be_chosen_depends_on_the_phase_that_passes_left(verdicts: Verdicts, argocd: str) -> None:
    rollouts = [documents(path)[0] for path in EXAMPLES]
    wanted = [CHOSEN.get(str(item["status"].get("phase")), set()) for item in rollouts]
    for item, path, actions, found in zip(
        rollouts, EXAMPLES, wanted, offered(verdicts, argocd, *rollouts), strict=True
    ):
        conditions = item["status"].get("conditions", [])
        frozen = any(one["type"] == "Stalled" and one["reason"] == "Paused" for one in conditions)
        steps = item["spec"]["canaryAnalysis"].get("steps", [])
        approves = any(step.get("approval") for step in steps) and item["status"].get("phase") == "Progressing"
        more = ({"retry"} if frozen else set()) | ({"approve"} if approves else set())
        assert found == actions | more, path.stem
    assert {"abort", "pause", "promote"} in wanted
    assert {"pause"} in wanted
    assert set() in wanted


@pytest.mark.parametrize(
    ("rollout", "actions"),
    [
        (in_phase("Failed"), {"retry"}),
        (in_phase("RollingBack"), {"pause"}),
        (
            in_phase("Progressing", {"type": "Stalled", "status": "True", "reason": "Paused"}),
            {"abort", "pause", "promote", "retry"},
        ),
        (
            in_phase("Progressing", {"type": "Stalled", "status": "True", "reason": "Invalid"}),
            {"abort", "pause", "promote"},
        ),
        (in_phase("Progressing", pause=REVISION), {"abort", "resume", "promote"}),
        (in_phase("Progressing", pause="*"), {"abort", "resume", "promote"}),
        (in_phase("Succeeded", pause="*"), {"resume"}),
        (in_phase("Progressing", abort=REVISION, promote=REVISION), {"pause"}),
        (in_phase("Progressing", abort="v1-an-older-one"), {"abort", "pause", "promote"}),
    ],
)
def test_what_is_asked_for_already_is_not_offered_again(
    verdicts: Verdicts, argocd: str, rollout: dict[str, Any], actions: set[str]
) -> None:
    assert offered(verdicts, argocd, rollout) == [actions]


def test_an_approval_is_offered_where_a_step_waits_for_one(verdicts: Verdicts, argocd: str) -> None:
    steps = [{"weight": 10}, {"weight": 50, "approval": True}]
    rollouts = [in_phase("Progressing"), in_phase("Progressing", approve=REVISION), in_phase("Progressing")]
    for item in rollouts[:2]:
        item["spec"]["canaryAnalysis"] = {"steps": steps}
    assert ["approve" in actions for actions in offered(verdicts, argocd, *rollouts)] == [True, False, False]


def test_nothing_but_to_resume_is_offered_while_it_is_suspended(verdicts: Verdicts, argocd: str) -> None:
    rollouts = [in_phase("Progressing", pause="*"), in_phase("Failed"), in_phase("Promoting")]
    for item in rollouts:
        item["spec"]["suspend"] = True
    assert offered(verdicts, argocd, *rollouts) == [{"resume"}, set(), set()]


STRANGE: tuple[Any, ...] = (..., "", "True", 0, True, ["x"], {"x": 1})


def damaged() -> Iterator[dict[str, Any]]:
    """Yields Rollouts with one member missing or strange."""
    paths = [("status",), ("status", "phase"), ("status", "canaryRevision"), ("status", "conditions")]
    paths += [("metadata", "annotations"), ("spec",), ("spec", "canaryAnalysis"), ("spec", "canaryAnalysis", "steps")]
    for *path, last in paths:
        for value in STRANGE:
            found = in_phase("Progressing", {"type": "Stalled", "status": "True", "reason": "Paused"}, pause=REVISION)
            found["spec"]["canaryAnalysis"] = {"steps": [{"weight": 10, "approval": True}]}
            parent: Any = found
            for key in path:
                parent = parent[key]
            if value is ...:
                del parent[last]
            else:
                parent[last] = value
            yield found


def test_whatever_is_missing_the_actions_are_listed(verdicts: Verdicts, argocd: str) -> None:
    rollouts = [*damaged()]
    for item, actions in zip(rollouts, offered(verdicts, argocd, *rollouts), strict=True):
        if not item.get("status"):
            assert actions <= {"resume"}, item


# What is written.


@pytest.mark.parametrize("action", ["abort", "pause", "promote", "approve"])
def test_an_action_writes_its_annotation_and_nothing_else(verdicts: Verdicts, argocd: str, action: str) -> None:
    bare, other = example(), example(retry="v1-a/1")
    found = patches(verdicts, argocd, action, bare, other)
    assert found == [annotated(**{action: revision(bare)}), annotated(**{action: revision(other)})]


def test_resume_takes_the_pause_away(verdicts: Verdicts, argocd: str) -> None:
    [alone, beside] = patches(verdicts, argocd, "resume", example(pause="*"), example(pause="*", abort="v1-a"))
    assert alone == beside == annotated(pause=None)


def test_a_retry_has_a_token_and_takes_the_abort_away(verdicts: Verdicts, argocd: str) -> None:
    rollout = example(abort=REVISION)
    [found] = patches(verdicts, argocd, "retry", rollout)
    token = found["metadata"]["annotations"].pop(f"{PREFIX}retry")
    assert re.fullmatch(rf"{revision(rollout)}/\d{{8}}T\d{{6}}Z", token)
    assert found == annotated(abort=None)


@pytest.mark.parametrize("action", VERBS)
def test_no_value_of_a_stored_rollout_is_changed_on_the_way(
    control_plane: ControlPlane, verdicts: Verdicts, argocd: str, namespace: str, action: str
) -> None:
    """Lua has tables for lists and for objects: with fields that a server adds, such as `managedFields`."""
    install(control_plane, namespace)
    stored = get(control_plane, "rollout/podinfo", namespace)
    stored["status"] = example()["status"]
    stored["metadata"].setdefault("annotations", {})[f"{PREFIX}pause"] = "*"
    [found] = patches(verdicts, argocd, action, stored)
    assert set(found) == {"metadata"}
    assert set(found["metadata"]) == {"annotations"}


def test_an_action_asks_for_what_the_command_asks_for(
    control_plane: ControlPlane, verdicts: Verdicts, argocd: str, namespace: str
) -> None:
    install(control_plane, namespace)
    granted = rights.rules([*rights.PASS, *rights.ACTION])
    with Metrics().serving() as metrics:
        steerer = Steerer(
            kubeconfig=account(control_plane, namespace, granted), metrics=metrics.url, namespace=namespace
        )
        assert steerer.passes().record["move"] == "start"
    path = f"/apis/apps.weave.works/v1beta1/namespaces/{namespace}/rollouts/podinfo"
    for verb in ("pause", "promote", "approve", "abort", "resume"):
        [patch] = patches(verdicts, argocd, verb, get(control_plane, "rollout/podinfo", namespace))
        answer = control_plane.request("PATCH", path, body=patch, content_type="application/merge-patch+json")
        answer.raise_for_status()
        assert ": unchanged\n" in steerer(verb, "podinfo").out
    asked = parse(get(control_plane, "rollout/podinfo", namespace)["metadata"]["annotations"]).asked
    assert [*asked] == [Action.ABORT, Action.PROMOTE, Action.APPROVE]


# The ConfigMap.


def test_the_config_map_has_the_scripts() -> None:
    [config] = documents(ARGOCD / "argocd-cm.yaml")
    actions = fast_yaml.load(config["data"]["resource.customizations.actions.apps.weave.works_Rollout"])
    folder = CUSTOMIZATION / "actions"
    assert actions == {
        "discovery.lua": (folder / "discovery.lua").read_text(encoding="utf-8"),
        "definitions": [
            {"name": verb, "action.lua": (folder / verb / "action.lua").read_text(encoding="utf-8")} for verb in VERBS
        ],
    }
    assert sorted(path.name for path in folder.iterdir()) == sorted([*VERBS, "discovery.lua"])
    assert json.dumps(actions).isascii()
