"""What Flux and Argo CD call a Rollout in each of its states, by their own code and with what is shipped for them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.gitops import states
from tests.gitops.shipped import ARGOCD, CUSTOMIZATION, FLUX, documents, named
from tests.support import drawing
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.components.controlplane import ControlPlane
    from tests.components.verdicts import Health, Verdicts

PAGE = ROOT / "docs" / "pipelines.md"
States = dict[str, dict[str, Any]]

# One word for the same thing, in the order of kstatus.
SAME = {"Current": "Healthy", "Failed": "Degraded", "InProgress": "Progressing"}


def expressions(file: str, name: str) -> dict[str, Any]:
    """Give the shipped expressions for a Rollout of one Kustomization."""
    [found] = named(FLUX / file, name, "Kustomization")["spec"]["healthCheckExprs"]
    return dict(found)


BLOCKING = expressions("pipeline.yaml", "podinfo-release")
NOT_BLOCKING = expressions("with-cronjob.yaml", "podinfo")


@pytest.fixture(name="views", scope="module")
def all_views(lived: States, verdicts: Verdicts, argocd: str) -> dict[str, dict[str, Health]]:
    """Let every judge look at every state: by the name of the view, then by the state."""
    rollouts = lived.values()
    told = {
        "kstatus": verdicts.health("kstatus", *({"object": item} for item in rollouts)),
        "until promoted": by_flux(verdicts, BLOCKING, *rollouts),
        "until seen": by_flux(verdicts, NOT_BLOCKING, *rollouts),
        "argocd": verdicts.health("argocd-health", *({"object": item, "namespace": argocd} for item in rollouts)),
    }
    return {view: dict(zip(lived, found, strict=True)) for view, found in told.items()}


def by_flux(verdicts: Verdicts, exprs: dict[str, Any], *rollouts: dict[str, Any]) -> list[Health]:
    return verdicts.health("flux-health", *({"object": item, "expressions": exprs} for item in rollouts))


def words(health: dict[str, Health]) -> dict[str, str]:
    """Give the bare verdicts; none may be an error."""
    assert [found.error for found in health.values()] == [""] * len(health)
    return {state: found.status for state, found in health.items()}


NEED_A_PERSON = {states.INVALID, states.PAUSED, states.FAILED}


def test_every_judge_says_of_every_state_what_the_page_says(
    views: dict[str, dict[str, Health]],
    lived: States,
    update_golden: bool,  # noqa: FBT001 - a fixture
) -> None:
    page = PAGE.read_text(encoding="utf-8")
    redrawn = drawing.with_part(page, "verdicts", table(views, lived))
    if update_golden:
        PAGE.write_text(redrawn, encoding="utf-8")
    assert "verdicts" in drawing.drawn(page)
    assert PAGE.read_text(encoding="utf-8") == redrawn, "draw it anew: make golden"


def table(views: dict[str, dict[str, Health]], lived: States) -> str:
    """Write the table of the page: a line for each state."""
    verdicts = {view: words(found) for view, found in views.items()}
    lines = [("state", "phase", "conditions that are true", *("kstatus", "until promoted", "until seen", "Argo CD"))]
    lines.append(("---",) * 7)
    for state, rollout in lived.items():
        status = rollout["status"]
        true = [item["type"] for item in status.get("conditions", ()) if item["status"] == "True"]
        phase = status.get("phase", "")
        lines.append((state, phase, ", ".join(true), *(found[state] for found in verdicts.values())))
    return "\n".join("|" + "".join(f" {cell} |" if cell else " |" for cell in cells) for cells in lines)


def test_flux_without_expressions_and_with_the_first_and_argo_cd_agree(views: dict[str, dict[str, Health]]) -> None:
    kstatus = words(views["kstatus"])
    assert words(views["until promoted"]) == kstatus
    assert words(views["argocd"]) == {state: SAME[word] for state, word in kstatus.items()}


def test_whoever_waits_is_let_on_by_a_promotion_and_turned_away_by_what_needs_a_human(
    views: dict[str, dict[str, Health]],
) -> None:
    by_word: dict[str, set[str]] = {}
    for state, word in words(views["kstatus"]).items():
        by_word.setdefault(word, set()).add(state)
    assert by_word["Current"] == {states.INITIALIZED, states.CHANGED, states.SUCCEEDED}
    assert by_word["Failed"] == NEED_A_PERSON


def test_whoever_does_not_wait_is_held_up_by_what_no_pass_has_seen_alone(views: dict[str, dict[str, Health]]) -> None:
    said = words(views["until seen"])
    assert {state for state, word in said.items() if word == "InProgress"} == {states.NEW, states.RESPECIFIED}
    assert {state for state, word in said.items() if word == "Failed"} == NEED_A_PERSON


def test_argo_cd_shows_the_reason_that_the_rollout_gives(views: dict[str, dict[str, Health]], lived: States) -> None:
    for state, rollout in lived.items():
        ready = [item["message"] for item in rollout["status"].get("conditions", ()) if item["type"] == "Ready"]
        if state not in {states.NEW, states.RESPECIFIED}:
            assert [views["argocd"][state].message] == ready


# --- Argo CD: its own layout and its own test ---


def test_the_examples_beside_the_script_are_states_of_this_life(
    views: dict[str, dict[str, Health]],
    lived: States,
    update_golden: bool,  # noqa: FBT001 - a fixture
) -> None:
    namespace = lived[states.NEW]["metadata"]["namespace"]
    files = {f"testdata/{filename(state)}": example(rollout, namespace) for state, rollout in lived.items()}
    tests = [
        {
            "healthStatus": {"status": found.status, "message": found.message.replace(namespace, "test")},
            "inputPath": f"testdata/{filename(state)}",
        }
        for state, found in views["argocd"].items()
    ]
    files["health_test.yaml"] = yaml.safe_dump({"tests": tests}, sort_keys=False, width=1000)
    if update_golden:
        for name, text in files.items():
            (CUSTOMIZATION / name).write_text(text, encoding="utf-8")
    there = {str(path.relative_to(CUSTOMIZATION)): path.read_text() for path in CUSTOMIZATION.rglob("*.yaml")}
    assert there == files


def filename(state: str) -> str:
    return re.sub(r"\W+", "-", state) + ".yaml"


def example(rollout: dict[str, Any], namespace: str) -> str:
    """Write a stored Rollout without what differs from one life to the next, or is no matter of health."""
    text = json.dumps(rollout).replace(namespace, "test")
    same = json.loads(re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "2026-01-31T12:00:00Z", text))
    for key in ("managedFields", "resourceVersion", "uid", "annotations"):
        same["metadata"].pop(key, None)
    for key in ("canaryUID", "measurements"):
        same["status"].pop(key, None)
    return yaml.safe_dump(same, sort_keys=False, width=1000)


def test_the_script_passes_the_test_that_argo_cd_makes_of_it(verdicts: Verdicts, argocd: str) -> None:
    [suite] = documents(CUSTOMIZATION / "health_test.yaml")
    inputs = [documents(CUSTOMIZATION / test["inputPath"])[0] for test in suite["tests"]]
    found = verdicts.health("argocd-health", *({"object": item, "namespace": argocd} for item in inputs))
    assert [{"status": item.status, "message": item.message} for item in found] == [
        test["healthStatus"] for test in suite["tests"]
    ]


def test_the_config_map_has_the_script_and_leaves_the_rest_of_argo_cds_alone(
    control_plane: ControlPlane, argocd: str
) -> None:
    stored = json.loads(control_plane.kubectl("get", "configmap", "argocd-cm", "-o", "json", namespace=argocd))
    script = (CUSTOMIZATION / "health.lua").read_text(encoding="utf-8")
    [shipped] = documents(ARGOCD / "argocd-cm.yaml")
    assert stored["data"] == {"url": "https://argocd.example.com", **shipped["data"]}
    assert stored["data"]["resource.customizations.health.apps.weave.works_Rollout"] == script


def test_the_judge_keeps_argo_cds_restrictions(control_plane: ControlPlane, verdicts: Verdicts, namespace: str) -> None:
    [ours] = documents(ARGOCD / "argocd-cm.yaml")
    [key] = [key for key in ours["data"] if ".health." in key]
    script = 'return { status = "Healthy", message = string.upper("a library") }'
    other = ours | {"metadata": ours["metadata"] | {"namespace": namespace}, "data": {key: script}}
    control_plane.apply(json.dumps(other))
    [found] = verdicts.health("argocd-health", {"object": rollout(), "namespace": namespace})
    assert "attempt to index a non-table object(nil) with key 'upper'" in found.error


# --- Whatever is missing ---


def rollout(**status: Any) -> dict[str, Any]:
    metadata = {"name": "podinfo", "namespace": "test", "generation": 2}
    return {"apiVersion": "apps.weave.works/v1beta1", "kind": "Rollout", "metadata": metadata, "status": status}


STRANGE: tuple[Any, ...] = (None, "", "True", 0, 7, True, [], ["x"], {}, {"x": 1})


def damaged(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give copies of a Rollout with one member missing or strange: the generation, the status, all below it."""
    paths = [path for path in walk(item) if path[0] == "status" or path == ("metadata", "generation")]
    for path in paths:
        for strange in (..., *STRANGE):
            copy = json.loads(json.dumps(item))
            parent = copy
            for key in path[:-1]:
                parent = parent[key]
            if strange is ...:
                del parent[path[-1]]
            else:
                parent[path[-1]] = strange
            yield copy


def walk(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in pairs:
        yield (*path, key)
        yield from walk(member, (*path, key))


def small(item: dict[str, Any]) -> dict[str, Any]:
    """Give a Rollout with those members alone that a judge may look at."""
    status = {key: item["status"][key] for key in ("observedGeneration", "conditions") if key in item["status"]}
    metadata = {key: item["metadata"][key] for key in ("name", "generation")}
    return {"apiVersion": item["apiVersion"], "kind": item["kind"], "metadata": metadata, "status": status}


@pytest.mark.parametrize("state", [states.SUCCEEDED, states.HALTED, states.INVALID, states.NEW])
def test_the_script_knows_an_answer_whatever_is_missing_and_calls_nothing_healthy_that_kstatus_does_not(
    verdicts: Verdicts, argocd: str, lived: States, state: str
) -> None:
    every = list(damaged(small(lived[state])))
    assert len(every) > 30
    found = verdicts.health("argocd-health", *({"object": item, "namespace": argocd} for item in every))
    kstatus = verdicts.health("kstatus", *({"object": item} for item in every))
    for item, ours, theirs in zip(every, found, kstatus, strict=True):
        assert not ours.error, item
        assert ours.message, item
        assert ours.status in SAME.values(), item
        if ours.status == "Healthy":
            assert theirs.status == "Current" or theirs.error, item
        if ours.status == "Degraded":
            assert theirs.status == "Failed" or theirs.error, item


@pytest.mark.parametrize("exprs", [BLOCKING, NOT_BLOCKING], ids=["until promoted", "until seen"])
def test_the_expressions_know_an_answer_as_long_as_there_is_a_status(verdicts: Verdicts, exprs: dict[str, Any]) -> None:
    absent = [rollout(), rollout(observedGeneration=2), rollout(observedGeneration=-1), rollout(conditions=[])]
    assert [found.status for found in by_flux(verdicts, exprs, *absent)] == ["InProgress"] * 4
    # The schema gives every stored Rollout a status; without it Flux would wait until its time-out.
    [none] = by_flux(verdicts, exprs, {key: value for key, value in rollout().items() if key != "status"})
    assert "no such attribute" in none.error
