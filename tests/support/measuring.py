"""Random analyses: what a Rollout asks of its metrics, what each side answers, and which of that is good enough.

The builder is on top of those of `strategies`. What is good is judged here independently of the program.
"""

from __future__ import annotations

import math
from copy import deepcopy
from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconcile.model.measurement import Asks, Failure
from tests.support.world import DURATION, METRICS, SUCCESS, C, P, R

if TYPE_CHECKING:
    from reconcile.model.kinds import Manifest
    from tests.support.strategies import Pick, Scene

Value = float | Failure | None
"""What a meter answers; None = it leaves the question out."""
EMPTY = (Failure.NO_DATA, Failure.NOT_A_NUMBER)
NONE: tuple[Value, ...] = (*EMPTY, *EMPTY, *EMPTY, float("nan"), Failure.UNREACHABLE, Failure.SEVERAL_SERIES, None)
# What is asked: good answers, which are drawn more often, and others that are numbers, too.
ANSWERS: dict[tuple[str, Asks], tuple[tuple[Value, ...], tuple[Value, ...]]] = {
    (SUCCESS, Asks.VALUE): ((100.0, 99.9, 99.0), (0.0, 95.0)),
    (DURATION, Asks.VALUE): ((20.0, 250.5), (0.0, 9999.0)),
    **{(metric, Asks.REQUESTS): ((1000.0, 5000.0), (0.0, 3.0, 99.9)) for metric in METRICS},
    **{(metric, Asks.FAILURES): ((0.0, 5.0), (300.0,)) for metric in METRICS},
}
SIDES = ("podinfo", "podinfo-canary")


def measured_scene(pick: Pick, scene: Scene) -> Scene:
    """Returns a world with an analysis, whose metrics answer for each side on their own."""
    scene = replace(scene, manifests=deepcopy(scene.manifests))
    rollout, primary = scene.of(R), scene.of(P)
    if rollout is None or primary is None:
        return scene
    metrics = [_check(pick, SUCCESS), *([_check(pick, DURATION)] if pick((False, True, True)) else [])]
    rollout["spec"]["canaryAnalysis"]["metrics"] = metrics
    if pick((False,) * 19 + (True,)):
        primary["spec"]["replicas"] = 0
        primary["status"] |= {"replicas": 0, "updatedReplicas": 0, "availableReplicas": 0}
    sides = {
        (metric, asks, side): pick(pick((*[good] * 5, numbers, numbers, NONE)))
        for (metric, asks), (good, numbers) in ANSWERS.items()
        for side in SIDES
    }
    happens = pick(
        (*[""] * 7, "nobody sends a request", "nobody scrapes", "one side is at rest", *["one metric is good"] * 2)
    )
    if happens == "nobody sends a request":
        sides |= {key: 0.0 for key in sides if key[1] is not Asks.VALUE}
    if happens == "nobody scrapes":
        sides |= dict.fromkeys(sides, Failure.NO_DATA)
    if happens == "one side is at rest":
        at_rest = pick(SIDES)
        sides |= {key: Failure.NOT_A_NUMBER for key in sides if key[1] is Asks.VALUE and key[2] == at_rest}
    if happens == "one metric is good":
        success, duration = pick(((100.0, 9999.0), (0.0, 20.0)))
        sides |= {(SUCCESS, Asks.VALUE, C.name): success, (DURATION, Asks.VALUE, C.name): duration}
    return replace(scene, sides=sides)


def _check(pick: Pick, name: str) -> Manifest:
    comparison: Manifest = {"maxRatio": pick((1, 1.5, 3))} | pick(({}, {}, {"ignoreBelow": 0.5}))
    tested: Manifest = comparison | ({"falseAlarmRate": 0.05} if METRICS[name].failures else {})
    bound: Manifest = {"threshold": 99 if name == SUCCESS else 500}
    kind = pick((bound, {"comparison": comparison}, bound | {"comparison": comparison}, bound | {"comparison": tested}))
    more = {
        "observe": pick((None, True)),
        "onNoData": pick((None, None, "Halt", "Fail", "Pass")),
        "fromWeight": pick((None, None, None, 20, 60)),
        "minRequests": pick((None, None, None, 100)),
    }
    return {"name": name} | deepcopy(kind) | {key: value for key, value in more.items() if value is not None}


# What is good.


def side(scene: Scene, check: Manifest, workload: str, asks: Asks = Asks.VALUE) -> Value:
    """Returns what a workload answers; None where that tells nothing at all."""
    value = scene.answer(check["name"], asks, workload)
    if isinstance(value, Failure):
        return value if value in EMPTY else None
    return value if value is not None and math.isfinite(value) else None


def waits_at(check: Manifest, weight: int) -> bool:
    """Returns whether a release that has this weight waits for a metric."""
    return not check.get("observe") and weight >= check.get("fromWeight", 0)


def is_good(scene: Scene, check: Manifest) -> bool:
    """Returns whether the answers to a metric let a release go on."""
    value = side(scene, check, C.name)
    if wanted := check.get("minRequests"):
        served = side(scene, check, C.name, Asks.REQUESTS)
        if served is None or (value is None and isinstance(scene.answer(check["name"], Asks.VALUE, C.name), Failure)):
            return False
        if isinstance(served, Failure) or served < wanted:
            return _skips(check)
    if not isinstance(value, float):
        return value is not None and _skips(check)
    least = METRICS[check["name"]].bound == "minimum"
    if "threshold" in check and not (value >= check["threshold"] if least else value <= check["threshold"]):
        return False
    return "comparison" not in check or _compares(scene, check, value)


def _skips(check: Manifest) -> bool:
    return check.get("onNoData") == "Pass"


def lack(check: Manifest, value: float) -> float:
    """Returns what is compared: less of it is better."""
    return 100 - value if METRICS[check["name"]].bound == "minimum" else value


def is_ignored(check: Manifest, value: float) -> bool:
    """Returns whether a value is too small to be compared."""
    least: float = check["comparison"].get("ignoreBelow", -math.inf)
    return lack(check, value) < least


def _compares(scene: Scene, check: Manifest, value: float) -> bool:
    comparison = check["comparison"]
    if "falseAlarmRate" in comparison:
        return _is_no_worse(scene, check) or is_ignored(check, value)
    if is_ignored(check, value):
        return True
    beside = side(scene, check, P.name)
    if not isinstance(beside, float):
        return beside is not None and _skips(check)
    most: float = lack(check, beside) * comparison["maxRatio"] * (1 + 1e-12)
    return lack(check, value) <= most


def _is_no_worse(scene: Scene, check: Manifest) -> bool:
    """Returns whether what both served in this step is too little evidence against the canary."""
    counts = [side(scene, check, one.name, asks) for one in (C, P) for asks in (Asks.REQUESTS, Asks.FAILURES)]
    if any(one is None for one in counts):
        return False
    if any(isinstance(one, Failure) for one in counts) or not counts[0] or not counts[2]:
        return _skips(check)
    total, bad, beside, bad_beside = (float(one or 0.0) for one in counts)
    share = check["comparison"]["maxRatio"] * total
    ratios = []
    for times in (1.5, 2, 3, 5, 10, 30):
        before, after = share / (share + beside), times * share / (times * share + beside)
        mine, theirs = min(bad, total), min(bad_beside, beside)
        ratios.append(mine * math.log(after / before) + theirs * math.log((1 - after) / (1 - before)))
    return math.fsum(math.exp(min(one, 50)) for one in ratios) / len(ratios) < 20
