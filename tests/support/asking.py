"""What people and policies ask for in a random world: steps, limits, actions, and what was counted before.

Only builders, on top of those of `strategies`. A part that does not find its place in the world is left out.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from msgspec.structs import replace

from reconcile.model.actions import ANY_REVISION, Action
from reconcile.model.template_hash import revision
from tests.support.json_values import copied
from tests.support.strategies import calm_scene, picking, stamp, troubled_scene
from tests.support.world import START, C, P, R

if TYPE_CHECKING:
    from reconcile.model.kinds import Manifest
    from tests.support.strategies import Pick, Scene

OLDER = "v1-0123456789abcdef0123"
_EACH_APPROVED: list[Manifest] = [{"weight": weight, "approval": True} for weight in (7, 10, 20, 25, 33, 40, 50, 100)]
STEPS: tuple[list[Manifest], ...] = (
    _EACH_APPROVED,
    _EACH_APPROVED,
    _EACH_APPROVED,
    [{"weight": 10, "approval": True}, {"weight": 25, "hold": "1m"}, {"weight": 40, "hold": "1h", "approval": True}],
    [{"weight": 7, "hold": "1h"}, {"weight": 33, "hold": "5m"}, {"weight": 50}, {"weight": 100, "hold": "1h"}],
)
POLICIES: tuple[Manifest, ...] = (
    {},
    {"failureLimit": 1},
    {"onFailure": "Pause", "consecutiveFailureLimit": 0},
    {"onFailure": "Pause", "stepDeadline": "2m"},
    {"onFailure": "Rollback", "failureLimit": 0},
    {"onFailure": "Rollback", "failureLimit": 2, "deadline": "1h"},
    {"onFailure": "Rollback", "consecutiveFailureLimit": 1, "stepDeadline": "10m"},
)


def asked_scene(pick: Pick, scene: Scene) -> Scene:
    """Returns a world with a policy, steps and actions of people."""
    scene = replace(scene, manifests=copied(scene.manifests))
    rollout, canary = scene.of(R), scene.of(C)
    if rollout is None or not isinstance(rollout.get("spec"), dict):
        return scene
    now = _revision(canary)
    analysis = rollout["spec"].get("canaryAnalysis")
    if isinstance(analysis, dict):
        _policy(pick, analysis)
    if pick((False,) * 19 + (True,)):
        rollout["spec"]["suspend"] = True
    annotations = _actions(pick, now)
    if annotations:
        rollout["metadata"]["annotations"] = annotations
    primary = scene.of(P)
    if primary is not None and isinstance(primary.get("status"), dict) and pick((False,) * 11 + (True,)):
        primary["status"]["availableReplicas"] = 0
    if isinstance(rollout.get("status"), dict):
        _status(pick, rollout["status"], now)
        if (
            isinstance(analysis, dict) and "warmUp" in analysis and pick((True, False))
        ):  # the interval is over, it is not
            rollout["status"]["lastAdvanceTime"] = stamp(START - timedelta(minutes=10))
    return scene


def _revision(canary: Manifest | None) -> str:
    template = (canary or {}).get("spec", {}).get("template")
    return revision(template) if isinstance(template, dict) else OLDER


def _policy(pick: Pick, analysis: Manifest) -> None:
    if pick((False, True, True)):
        for key in ("stepWeight", "maxWeight"):
            analysis.pop(key, None)
        analysis["steps"] = copied(pick(STEPS))
    analysis |= pick(POLICIES)
    if (interval := pick((None, None, "10s", "5m"))) is not None:
        analysis["interval"] = interval
    if (warm := pick((None, None, "2h"))) is not None:
        analysis["warmUp"] = warm
    promotion = {"stepWeight": pick((None, None, 30)), "drain": pick((None, "2m", "1h"))}
    given = {key: value for key, value in promotion.items() if value is not None}
    if given:
        analysis["promotion"] = given


def _actions(pick: Pick, now: str) -> dict[str, str]:
    """Draws which actions are asked for: mostly one, mostly of the canary's revision."""
    drawn = [pick((*Action, Action.PROMOTE)) for _ in range(pick((0, 1, 1, 2)))]
    meant = {action: pick((now, now, now, now, OLDER)) for action in drawn}
    if Action.PAUSE in meant:
        meant[Action.PAUSE] = pick((meant[Action.PAUSE], ANY_REVISION))
    if Action.APPROVE in meant:
        meant[Action.APPROVE] += pick(("", "", "/50", "/10", "/x"))
    if Action.RETRY in meant:
        meant[Action.RETRY] += pick(("/a", "/a", "/b", ""))
    return {action.annotation: value for action, value in meant.items()}


def _status(pick: Pick, status: Manifest, now: str) -> None:
    """Draws what earlier passes have counted, and attempts that have ended."""
    phase = pick((None, None, None, "RollingBack", "Failed"))
    if phase is not None and "phase" in status:
        status |= {"phase": phase, "canaryRevision": pick((now, now, now, OLDER))}
    ended = phase is not None or pick((False,) * 5 + (True,))
    if not ended and pick((False, True)):
        return
    times = {
        key: stamp(START - timedelta(seconds=pick((0, 20, 60, 300, 7200)))) for key in ("startTime", "lastCheckTime")
    }
    reason: Manifest = {
        "reason": pick(("AnalysisFailed", "DeadlineExceeded", "Aborted")),
        "message": "success rate 50.00% < 99%",
    }
    status["analysis"] = {
        "revision": pick((now, now, now, OLDER)),
        "attempt": pick((1, 1, 2)),
        "checks": 9,
        "failedChecks": pick((0, 1, 2, 3)),
        "consecutiveFailures": pick((0, 1, 2)),
        **pick(({}, {"retryTokens": ["a"]})),
        **times,
        **(reason if ended else {}),
    }


@st.composite
def asked_scenes(draw: Any) -> Scene:
    """Draws any world in which something is asked for: three in four are calm otherwise."""
    pick = picking(draw)
    return asked_scene(pick, pick((calm_scene, calm_scene, calm_scene, troubled_scene))(pick))
