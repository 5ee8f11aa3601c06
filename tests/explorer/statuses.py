"""Converts between the status as a value and the fields that are stored."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from reconcile.model.times import timestamp
from tests.explorer.clock import LONG_AGO, NOW, ranks, time
from tests.explorer.specs import LONG, MOST_FAILED
from tests.explorer.state import NOBODY, PRESENT, RECENT, Attempt, Status

if TYPE_CHECKING:
    from reconcile.model.kinds import Manifest
    from tests.explorer.clock import Past

GENERATION = {"R": 5, "V": 10, "H": 10, "P": 10, "C": 10}


class Notes:
    """Conditions and measurements, by number. Their times are constant: no decision depends on them."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, status: Manifest) -> int:
        """Returns the number for the texts of a status."""
        noted = timeless({key: status[key] for key in ("conditions", "measurements") if key in status})
        for condition in noted.get("conditions", ()):
            condition.pop("observedGeneration", None)
        if "message" in status.get("analysis", {}):
            noted["message"] = untimed(status["analysis"]["message"])
        text = json.dumps(noted, sort_keys=True)
        if text not in self._numbers:
            self._numbers[text] = len(self._texts)
            self._texts.append(text)
        return self._numbers[text]

    def fields(self, number: int, generation: int, attempt: Manifest) -> Manifest:
        """Returns the fields of a status that have texts, or what is written of the attempt."""
        noted: Manifest = json.loads(self._texts[number])
        for condition in noted.get("conditions", ()):
            condition["observedGeneration"] = generation
        message = noted.pop("message", None)
        if attempt:
            noted["analysis"] = attempt if message is None else attempt | {"message": message}
        return noted


def timeless(value: Any) -> Any:
    """Returns a copy with the times of conditions and measurements set to a constant, at any depth."""
    if isinstance(value, dict):
        return {key: _timeless(key, member, value) for key, member in value.items()}
    return [timeless(item) for item in value] if isinstance(value, list) else value


def _timeless(key: str, member: Any, owner: Manifest) -> Any:
    if key in {"lastTransitionTime", "time"} and ("type" in owner or "verdict" in owner):
        return LONG_AGO
    return untimed(member) if key == "message" else timeless(member)


DURATION = re.compile(r"\b(?:[0-9]+h)?(?:[0-9]+m)?(?:[0-9]+s)?\b")


@cache
def untimed(text: str) -> str:
    """Returns a text in which each duration is the same."""
    return DURATION.sub(lambda found: LONG if found[0] else "", text)


def fields(status: Status, past: Past, notes: Notes, generation: int, canary: int) -> Manifest:
    """Returns the status as it is stored. `generation` and `canary` are those of the Rollout and the canary."""
    seen = {"same": generation, "older": generation - 1}.get(status.seen)
    found = {
        "phase": status.phase,
        "canaryRevision": status.revision,
        "canaryGeneration": {"same": canary, "older": canary - 1}.get(status.generation),
        "canaryUID": "uid-C" if status.generation else None,
        "promotedRevision": status.promoted,
        "canaryWeight": status.weight,
        "provenWeight": status.proven,
        "primaryRevision": status.primary,
        "canaryReplicas": status.replicas,
        "lastAdvanceTime": _stamp(status.advanced, past),
        "lastTransitionTime": _stamp(status.entered, past),
        "observedGeneration": seen,
    }
    stored = {key: value for key, value in found.items() if value not in {None, ""}}
    attempt = _attempt(status.attempt, past) if status.attempt else {}
    return stored | notes.fields(status.notes, seen or 0, attempt)


def _stamp(rank: int, past: Past) -> str | None:
    return timestamp(time(rank, past)) if rank else None


def _attempt(attempt: Attempt, past: Past) -> Manifest:
    fields: Manifest = {
        "revision": attempt.revision,
        "attempt": attempt.number,
        "retryTokens": [attempt.token] if attempt.token else None,
        "startTime": _stamp(attempt.started, past),
        "checks": 0,
        "failedChecks": attempt.failed,
        "consecutiveFailures": attempt.consecutive,
        "lastCheckTime": _stamp(attempt.checked, past),
        "lastHoldTime": _stamp(attempt.held, past),
        "reason": attempt.failure or None,
    }
    return {key: value for key, value in fields.items() if value is not None}


def status_of(manifest: Manifest, past: Past, notes: Notes, moved: frozenset[str] = frozenset()) -> Status:
    """Returns the status of a Rollout as a value. Its times are ranks of the pass that wrote it, -1 = its own time."""
    stored = manifest["status"]
    times = ranks(past) | {timestamp(NOW): PRESENT}
    generation, canary = GENERATION["R"] + ("spec" in moved), GENERATION["C"] + ("C" in moved)
    recorded, seen = stored.get("canaryGeneration"), stored.get("observedGeneration")
    return Status(
        phase=stored.get("phase", ""),
        revision=stored.get("canaryRevision", ""),
        generation="" if recorded is None else "same" if recorded == canary else "older",
        promoted=stored.get("promotedRevision", ""),
        weight=stored.get("canaryWeight"),
        replicas=stored.get("canaryReplicas"),
        advanced=_rank(stored, "lastAdvanceTime", times),
        entered=_rank(stored, "lastTransitionTime", times),
        seen="" if seen is None else "same" if seen == generation else "older",
        notes=notes.number(stored),
        proven=stored.get("provenWeight"),
        primary=stored.get("primaryRevision", ""),
        attempt=_attempt_of(stored["analysis"], times) if "analysis" in stored else None,
    )


def _span(stored: Manifest, key: str, times: dict[str, int]) -> int:
    """Returns whether the span of a time has passed: not of the time of the pass that writes it."""
    rank = _rank(stored, key, times)
    return RECENT if rank == PRESENT else rank


def _rank(stored: Manifest, key: str, times: dict[str, int]) -> int:
    return times[stored[key]] if key in stored else NOBODY


def _attempt_of(stored: Manifest, times: dict[str, int]) -> Attempt:
    return Attempt(
        revision=stored["revision"],
        number=stored["attempt"],
        token=stored.get("retryTokens", [""])[-1],
        failed=min(stored["failedChecks"], MOST_FAILED),
        consecutive=min(stored["consecutiveFailures"], MOST_FAILED),
        failure=stored.get("reason", ""),
        started=_span(stored, "startTime", times),
        checked=_span(stored, "lastCheckTime", times),
        held=_span(stored, "lastHoldTime", times),
    )
