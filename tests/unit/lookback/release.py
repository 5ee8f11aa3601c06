"""Histories of simulated releases, and made ones of any size."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from reconcile.clusters.folder.cluster import FolderCluster
from reconcile.engine.selection import Selection
from reconcile.lookback.history import Act, CheckMade, Happening, History, MetricHistory, Span
from reconcile.lookback.of_passes import Collected
from reconcile.metrics import templates
from reconcile.model.kinds import ROLLOUT, Ref
from reconcile.model.settings import Settings
from reconcile.simulation import scenario_file
from reconcile.simulation.play import play
from reconcile.simulation.scripted_meter import ScriptedMeter
from tests.support.paths import ARTIFACTS

START = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)


@cache
def simulated(name: str) -> History:
    """Plays a scenario of the artifacts, and returns the history of its Rollout."""
    script = scenario_file.load(ARTIFACTS / "scenarios" / f"{name}.yaml")
    known = templates.load().metrics
    collected = Collected("a simulation", known)
    with tempfile.TemporaryDirectory() as scratch:
        folder = shutil.copytree(ARTIFACTS, Path(scratch) / "play")
        settings = Settings(interval=script.tick, metrics=known)
        for records in play(FolderCluster(folder), ScriptedMeter(script), script, settings, Selection()):
            collected.add(records)
    [history] = collected.histories()
    return history


def made(steps: int = 10, metrics: int = 2, text: str = "plain", name: str = "podinfo") -> History:
    """Returns a release of this size; `text` stands wherever text of others does."""
    times = [START + timedelta(minutes=index) for index in range(steps + 1)]
    weights = tuple((at, round(100 * (index + 1) / (steps + 1))) for index, at in enumerate(times))
    return History(
        rollout=Ref(ROLLOUT, "test", name),
        begin=times[0],
        end=times[-1],
        source=text,
        phase="Progressing",
        reason=text,
        revision=text,
        weights=weights,
        spans=(Span(begin=times[1], end=times[2], kind="halt", text=text),),
        happened=tuple(
            Happening(at=at, text=f"{text} {index}", kind="Halted" if index == 1 else "Advanced", is_warning=index == 1)
            for index, at in enumerate(times)
        ),
        metrics=tuple(_metric(index, times, text) for index in range(metrics)),
        acts=(Act(at=times[1], action=text, value=text, who=text, outcome=text),),
        facts=((text, text),),
        notes=(text,),
    )


def _metric(number: int, times: list[datetime], text: str) -> MetricHistory:
    values = [100 + 10 * ((index * (number + 3)) % 7) for index in range(len(times))]
    checks = tuple(
        CheckMade(at=at, weight=index, value=value, verdict=text, text=text, good=value < 150)
        for index, (at, value) in enumerate(zip(times, values, strict=True))
    )
    return MetricHistory(
        name=f"{text}-{number}",
        title=f"{text} {number}",
        unit=text,
        bound=f"at most 150 {text}",
        most=150,
        query=text,
        canary=tuple(zip(times, values, strict=True)),
        primary=tuple((at, 110.0) for at in times),
        checks=checks,
        problem=text,
    )
