"""Hostile values for each field of a Rollout, from the schema of the resource.

They are absent, null, of every wrong type, at the bounds and beyond, and odd text. Which of them are refused is not
decided here: the tests compare the program with the API server.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from tests.support.share import share, whole
from tests.unit.test_crd import schemas

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.model.kinds import Manifest

ABSENT = object()
WHEN = "2026-01-31T12:00:00Z"
SPEC: Manifest = {
    "targetKind": "Deployment",
    "suspend": False,
    "virtualService": {"name": "podinfo"},
    "primary": {"name": "podinfo", "host": "podinfo"},
    "canary": {"name": "podinfo-canary", "host": "podinfo-canary"},
    "canaryAnalysis": {
        "maxWeight": 100,
        "stepWeight": 10,
        "warmUp": "1m",
        "metrics": [
            {
                "name": "istio_requests_total",
                "threshold": 99,
                "interval": "1m",
                "args": {"a": "b"},
                "comparison": {"maxRatio": 1.5, "ignoreBelow": 0.1, "falseAlarmRate": 0.05},
                "minRequests": 100,
                "onNoData": "Halt",
                "observe": False,
                "fromWeight": 1,
            }
        ],
        "interval": "1m",
        "onFailure": "Halt",
        "failureLimit": 2,
        "consecutiveFailureLimit": 1,
        "stepDeadline": "1h",
        "deadline": "6h",
        "promotion": {"stepWeight": 20, "drain": "1m", "deadline": "10m", "keep": ["/metadata/labels/track"]},
    },
}
RANGE = {"min": 1, "max": 2}
QUERY = {"query": "up", "title": "t", "unit": "u"}
STEPS = [{"weight": 10, "hold": "30m", "approval": True}, {"weight": 50}]
STATUS: Manifest = {
    "observedGeneration": 1,
    "phase": "Progressing",
    "canaryRevision": "v1-a",
    "canaryGeneration": 1,
    "canaryUID": "u-1",
    "promotedRevision": "v1-b",
    "primaryRevision": "v1-c",
    "canaryWeight": 10,
    "history": [{"time": WHEN, "weight": 10}],
    "provenWeight": 10,
    "canaryReplicas": 2,
    "lastAdvanceTime": WHEN,
    "lastTransitionTime": WHEN,
    "analysis": {
        "revision": "v1-a",
        "attempt": 1,
        "retryTokens": ["t"],
        "startTime": WHEN,
        "checks": 3,
        "failedChecks": 2,
        "consecutiveFailures": 1,
        "lastCheckTime": WHEN,
        "lastHoldTime": WHEN,
        "evidence": [
            {"metric": "m", "weight": 10, "canary": {"total": 600, "bad": 6}, "primary": {"total": 5400, "bad": 5}}
        ],
        "reason": "AnalysisFailed",
        "message": "m",
    },
    "measurements": [
        {
            "name": "x",
            "query": "up",
            "value": 1.5,
            "threshold": 99,
            "thresholdRange": {"min": 1, "max": 2},
            "primaryValue": 2,
            "evidence": 3.5,
            "verdict": "failed",
            "gate": True,
            "message": "m",
            "time": WHEN,
        }
    ],
    "conditions": [
        {
            "type": "Ready",
            "status": "False",
            "reason": "Halted",
            "message": "m",
            "observedGeneration": 1,
            "lastTransitionTime": WHEN,
        }
    ],
}
# Text that is empty, confusing, or harmful where it is printed unescaped: terminal sequences, right to left, no width,
# only a combining mark, a forged line of a log, markup.
TEXTS = (
    "",
    " ",
    "x",
    "A",
    "5",
    "null",
    "\u0661\u0662",
    "a\u0301",
    "\u0301",
    "\u202eevil\u202c",
    "zero\u200bwidth\ufeff",
    "\x00",
    "\x1b[2J\x1b]0;title\x07 \x9b31m \x7f",
    "a\n2026-01-31T12:00:00 INFO all is well",
    "{{ 9 * 9 }} [red]${HOME}[/] %s {0}",
    "../../etc/passwd",
    '"}) or vector(100) or ({a="',
    "\U0001f4a5" * 64,
    "a" * 64,
    "a." * 127,
    "a" * 20_000,
)
OTHERS: tuple[Any, ...] = (
    *(ABSENT, None, True, False, 0, 1, -1, 1.5, 100, 101, 2**31, 2**63, -(2**63) - 1, 1e308, 5e-324),
    *([], [None], [[]], [{}], ["x"], {}, {"": None}, {"x": [{}]}),
)
# YAML has these and JSON does not.
NO_JSON = (float("nan"), float("inf"), float("-inf"))


def paths(root: str) -> list[str]:
    """Returns the paths of a field of the root, such as `spec`, and of all fields in it: `spec.primary.name`."""
    found = (path.removeprefix(".").replace("[]", ".0") for path, _ in schemas())
    return [path for path in found if path == root or path.startswith(f"{root}.")]


def pieces(path: str) -> Iterator[Any]:
    """Yields the values for a field: a share of those for any field, and those at its own bounds and beyond."""
    yield from share(TEXTS, path, 5)
    yield from share(OTHERS, path, 5)
    schema = dict(schemas())["." + path.replace(".0", "[]")]
    for bound, step in (("minimum", -1), ("maximum", 1)):
        if bound in schema:
            yield from (schema[bound], schema[bound] + step, float(schema[bound]), str(schema[bound]))
    for word in schema.get("enum", ()):
        yield from (word, word.upper(), f"{word} ", [word])
    if "maxLength" in schema:
        yield from ("a" * schema["maxLength"], "a" * (schema["maxLength"] + 1))
    if schema.get("format") == "date-time":
        yield from ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "2026-02-30T00:00:00Z", "2026-01-31", WHEN)
    if schema["type"] == "array":
        yield from _lists(schema["maxItems"], path)
    if path.endswith("interval"):
        yield from ("0s", "00m", "1M", "1.5m", "-1m", "1m1h", "1 m", "1m\n", "9" * 10 + "s", "1y1w1d1h1m1s1ms", "1h30m")


def _lists(most: int, path: str) -> Iterator[Any]:
    metric = SPEC["canaryAnalysis"]["metrics"][0]
    measured = {"name": "x", "threshold": 1, "verdict": "passed", "time": WHEN}
    # The server warns of each unknown field in a header of its own, and a client takes a hundred.
    of_status = {"time": WHEN, "weight": 10} if path == "status.history" else measured
    item = metric if path.startswith("spec") else of_status
    # Fewer in a status: the API server takes minutes to look for equal keys among ten thousand.
    many = path.startswith("spec") and (whole() or path.endswith("metrics"))
    for count in (2, most, most + 1, *([10_000] if many else [])):
        yield [item] * count


def put(manifest: Manifest, path: str, value: Any) -> Manifest:
    """Returns a manifest with another value at a path. Numbers are indices of a list; ABSENT removes the field.

    A path in the list of steps puts that in place of `stepWeight` and `maxWeight`, which it excludes; one in the routes
    puts those in place of `virtualService`; one in a range of values puts that in place of the threshold, as does one
    of a query of its own.
    """
    changed = deepcopy(manifest)
    if path.startswith("spec.canaryAnalysis.steps"):
        analysis = changed["spec"]["canaryAnalysis"]
        kept = {key: item for key, item in analysis.items() if key not in {"stepWeight", "maxWeight"}}
        changed["spec"]["canaryAnalysis"] = {"steps": deepcopy(STEPS)} | kept
    if path.startswith("spec.routes"):
        changed["spec"]["routes"] = [{"kind": "VirtualService"} | changed["spec"]["virtualService"]]
        del changed["spec"]["virtualService"]
    if path.startswith("spec.canaryAnalysis.metrics.0.thresholdRange"):
        metric = changed["spec"]["canaryAnalysis"]["metrics"][0]
        del metric["threshold"]
        metric["thresholdRange"] = dict(RANGE)
    if path.rpartition(".")[2] in QUERY and path.startswith("spec"):
        metric = changed["spec"]["canaryAnalysis"]["metrics"][0]
        for key in ("threshold", "comparison", "minRequests"):
            del metric[key]
        metric |= {"name": "x", **QUERY, "thresholdRange": dict(RANGE)}
    *parents, last = (int(part) if part.isdigit() else part for part in path.split("."))
    place: Any = changed
    for part in parents:
        place = place[part]
    if value is ABSENT:
        del place[last]
    else:
        place[last] = value
    return changed


def shown(value: Any) -> str:
    """Returns a value as text for the message of an assertion."""
    return "absent" if value is ABSENT else f"{value!r:.60}"
