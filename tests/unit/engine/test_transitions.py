"""Which Events of whole releases tell of a transition, in their order, and none twice."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from reconcile.clusters.folder.cluster import FolderCluster
from reconcile.engine.apply import apply
from reconcile.engine.selection import Selection
from reconcile.metrics import templates
from reconcile.model.errors import ForbiddenError, LostRaceError
from reconcile.model.kinds import ROLLOUT
from reconcile.model.plan import Event, Patch, Result, Transition
from reconcile.model.settings import Settings
from reconcile.simulation import scenario_file
from reconcile.simulation.play import play
from reconcile.simulation.scripted_meter import ScriptedMeter
from tests.support.fakes import MemoryCluster
from tests.support.paths import ARTIFACTS
from tests.support.world import START, VS, World, world

if TYPE_CHECKING:
    from pathlib import Path


def told(tmp_path: Path, scenario: str) -> list[tuple[str, str]]:
    """Plays a scenario; returns each transition and the end of its message."""
    shutil.copytree(ARTIFACTS, tmp_path / "play")
    script = scenario_file.load(ARTIFACTS / "scenarios" / scenario)
    settings = Settings(interval=script.tick, metrics=templates.load().metrics)
    passes = play(FolderCluster(tmp_path / "play"), ScriptedMeter(script), script, settings, Selection())
    events = [event for records in passes for record in records for event, _ in record.told]
    return [(event.transition.name, event.message.split()[-1]) for event in events if event.transition]


def test_the_demonstration_starts_advances_halts_once_at_a_time_and_is_promoted(tmp_path: Path) -> None:
    assert told(tmp_path, "demo.yaml") == [
        ("STARTED", "podinfo.test"),
        ("ADVANCED", "10"),
        ("ADVANCED", "20"),
        ("ADVANCED", "30"),
        ("HALTED", "500ms"),
        ("ADVANCED", "40"),
        ("ADVANCED", "50"),
        ("ADVANCED", "60"),
        ("HALTED", "99%"),
        ("ADVANCED", "70"),
        ("ADVANCED", "80"),
        ("ADVANCED", "90"),
        ("ADVANCED", "100"),
        ("HALTED", "available"),
        ("PROMOTED", "podinfo-canary.test"),
    ]


def test_a_rollback_is_told_when_it_begins_and_when_it_ends(tmp_path: Path) -> None:
    assert [name for name, _ in told(tmp_path, "rollback.yaml")][-3:] == ["HALTED", "ROLLING_BACK", "FAILED"]


def test_an_approval_is_asked_for_once(tmp_path: Path) -> None:
    assert [name for name, _ in told(tmp_path, "approval.yaml")] == [
        "STARTED",
        "ADVANCED",
        "ADVANCED",
        "WAITING_FOR_APPROVAL",
        "ADVANCED",
        "HALTED",  # the primary, while it rolls out
        "PROMOTED",
    ]


class Refusing(MemoryCluster):
    """A cluster that refuses what a test names."""

    refused: dict[object, Exception]

    def patch(self, patch: Patch) -> None:
        """Refuses or writes."""
        error = self.refused.get((patch.target.kind, patch.operations[-1]["path"]))
        if error is not None:
            raise error
        super().patch(patch)


def started(refused: dict[str, Exception], ready_reason: str = "") -> list[Transition | None]:
    """Starts a release where writes are refused: those of the route, or the status that says so."""
    play: World = world()
    cluster = Refusing(play.cluster.objects.values())
    cluster.refused = {}
    plan = next(iter(World(cluster=cluster).pass_().plans())).plan
    paths = {"route": (VS.kind, "/spec/http/0/route/1/weight"), "status": (ROLLOUT, "/status/conditions")}
    cluster.refused = {paths[name]: error for name, error in refused.items()}
    record = apply(replace(plan, ready_reason=ready_reason), cluster, START)
    assert record.result is not Result.APPLIED
    return [event.transition for event, _ in record.told]


def test_a_write_that_fails_is_a_halt_but_not_once_more() -> None:
    assert started({"route": ForbiddenError("no")}) == [Transition.HALTED]
    assert started({"route": ForbiddenError("no")}, "WriteFailed") == [None]


@pytest.mark.parametrize(
    ("refused", "transitions"),
    [
        ({"route": ForbiddenError("no"), "status": ForbiddenError("no")}, [None]),
        ({"route": ForbiddenError("no"), "status": LostRaceError("no")}, [None]),
        ({"route": LostRaceError("no")}, []),
    ],
)
def test_what_is_not_stored_is_no_transition(
    refused: dict[str, Exception], transitions: list[Transition | None]
) -> None:
    assert started(refused) == transitions


def test_the_name_of_an_event_does_not_depend_on_what_it_tells_of() -> None:
    event = Event(rollout=VS, api_version="v1", uid=None, revision="", type="Normal", message="m")
    assert replace(event, transition=Transition.HALTED).name == event.name
