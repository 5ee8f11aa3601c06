"""The next step of a Rollout in one sentence, for the report of a pass and for `steerer status`."""

from __future__ import annotations

_NEXT = {
    "Initialized": "a rollout starts when the canary gets a new pod template",
    "Succeeded": "a rollout starts when the canary gets a new pod template",
    "Promoting": "all traffic goes to the primary as soon as its new pods are rolled out and healthy",
    "Finalising": "the canary is scaled to zero by a later pass, when its traffic has drained",
    "RollingBack": "the canary is scaled to zero by a later pass, when its traffic has drained",
    "Failed": "nothing until the canary gets a new pod template, or a person says retry",
}


def next_step(phase: str, weight: int | None, *, halted: bool) -> str:
    """Returns what a later pass does; "" for an unknown phase. The weight is in percent, None = unknown."""
    if halted:
        resumed = f", and goes on from weight {weight}" if weight else ""
        return f"every pass looks again{resumed} once the cause is gone"
    if phase == "Progressing":
        if weight:
            return f"analysis at weight {weight}, once the control-loop interval has passed"
        return "traffic starts once the primary and the canary are rolled out and healthy"
    return _NEXT.get(phase, "")
