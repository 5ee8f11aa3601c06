"""What comes next for a Rollout, as far as its phase and weight tell.

Duty: one sentence, for the report of a pass and for `steerer status`. Pure.
"""

from __future__ import annotations

_NEXT = {
    "Initialized": "a rollout starts when the canary gets a new pod template",
    "Succeeded": "a rollout starts when the canary gets a new pod template",
    "Promoting": "all traffic goes to the primary as soon as its new pods are rolled out and healthy",
    "Finalising": "the canary is scaled to zero by a later pass, when its traffic has drained",
    "Failed": "nothing until somebody looks at it",
}


def coming(phase: str, weight: int | None, *, halted: bool) -> str:
    """Say what a later pass does; the weight in percent, None where it is not known. Empty for an unknown phase."""
    if halted:
        place = f", and goes on from weight {weight}" if weight else ""
        return f"every pass looks again{place} once the cause is gone"
    if phase == "Progressing":
        if weight:
            return f"analysis at weight {weight}, once the control-loop interval has passed"
        return "traffic starts once the primary and the canary are rolled out and healthy"
    return _NEXT.get(phase, "")
