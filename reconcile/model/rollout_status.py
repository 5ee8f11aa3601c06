"""Reads what earlier passes stored in the status of a Rollout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.model.fields import mappings
from reconcile.model.measurement import Counts, Slice
from reconcile.model.rollout import MOST_TOKENS, MOST_WEIGHTS, Attempt, Evidence, Phase, State
from reconcile.model.text import shown
from reconcile.model.times import parse_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from reconcile.model.fields import Fields

MOST_REPLICAS = 2**31 - 1
MOST_CHECKS = 2**31 - 1
MOST_EVIDENCE = 400
MOST_PERCENT = 100


def parse_state(status: Fields) -> State:
    """Returns the stored state. What cannot be read is a problem of its field."""
    phase = status.text("phase", "") if status.value.get("phase") else ""
    if phase not in {*Phase}:
        status.problem("phase", f"{shown(phase)} is no phase that this version knows; remove the status to start anew")
        phase = ""
    return State(
        phase=Phase(phase),
        canary_revision=status.text("canaryRevision", "") if status.value.get("canaryRevision") else "",
        canary_generation=integer(status.value.get("canaryGeneration")),
        canary_uid=text(status.value.get("canaryUID")) or "",
        promoted_revision=text(status.value.get("promotedRevision")) or "",
        primary_revision=text(status.value.get("primaryRevision")) or "",
        canary_weight=status.integer("canaryWeight", 0, 100, 0),
        proven_weight=status.integer("provenWeight", 0, 100, 0),
        canary_replicas=status.integer("canaryReplicas", 0, MOST_REPLICAS, 0) or None,
        last_advance=status.time("lastAdvanceTime"),
        last_transition=status.time("lastTransitionTime"),
        attempt=_attempt(status.child("analysis", required=False)),
        history=tuple(_history(status.value.get("history"))),
    )


def _history(value: Any) -> Iterator[tuple[datetime, int]]:
    """Yields the weights on record. They are for people alone, so what cannot be read is left out."""
    for item in mappings(value)[-MOST_WEIGHTS:]:
        at, weight = parse_time(item.get("time")), integer(item.get("weight"))
        if at is not None and weight is not None and 0 <= weight <= MOST_PERCENT:
            yield at, weight


def _attempt(analysis: Fields) -> Attempt:
    return Attempt(
        revision=text(analysis.value.get("revision")) or "",
        number=analysis.integer("attempt", 1, MOST_CHECKS, 1),
        tokens=_tokens(analysis.value.get("retryTokens")),
        started=analysis.time("startTime"),
        checks=analysis.integer("checks", 0, MOST_CHECKS, 0),
        failed=analysis.integer("failedChecks", 0, MOST_CHECKS, 0),
        consecutive=analysis.integer("consecutiveFailures", 0, MOST_CHECKS, 0),
        last_check=analysis.time("lastCheckTime"),
        last_hold=analysis.time("lastHoldTime"),
        failure=text(analysis.value.get("reason")) or "",
        message=text(analysis.value.get("message")) or "",
        evidence=tuple(map(_evidence, analysis.children("evidence", MOST_EVIDENCE))),
    )


def _tokens(value: Any) -> tuple[str, ...]:
    found = value if isinstance(value, list) else []
    return tuple(token for token in map(text, found[-MOST_TOKENS:]) if token)


def _evidence(step: Fields) -> Evidence:
    canary, primary = (
        Counts(total=side.number("total"), bad=side.number("bad"))
        for side in (step.child("canary"), step.child("primary"))
    )
    counts = Slice(canary=canary, primary=primary)
    return Evidence(metric=step.text("metric"), weight=step.integer("weight", 0, 100), counts=counts)


def text(value: Any) -> str | None:
    """Returns a string that is not empty, or None."""
    return value if isinstance(value, str) and value else None


def integer(value: Any) -> int | None:
    """Returns an integer, or None."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
