"""What a Rollout wants of the pace of a release, and of its failure. Weights are in percent, times in seconds."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Step(Struct, frozen=True, kw_only=True):
    """One step: how long the canary stays at a weight at least, and whether it takes an `approval` to go on."""

    weight: int
    hold: float = 0.0
    approval: bool = False


class Steps(Struct, frozen=True, kw_only=True):
    """The weights that a canary goes through: those of a list, or every `size` up to `maximum`."""

    size: int = 0
    maximum: int = 100
    listed: tuple[Step, ...] = ()

    def after(self, weight: int) -> int:
        """Returns the weight after an advance from this one: the maximum at the end."""
        if self.listed:
            return next((step.weight for step in self.listed if step.weight > weight), self.maximum)
        return min(weight + self.size, self.maximum)

    @property
    def first(self) -> int:
        """The first weight."""
        return self.after(0)

    @property
    def weights(self) -> list[int]:
        """Every weight of a release, in order; the last is the maximum."""
        reached = [self.first]
        while reached[-1] < self.maximum:
            reached.append(self.after(reached[-1]))
        return reached

    def at(self, weight: int) -> Step:
        """Returns the step that a weight belongs to: the highest that is not above it."""
        reached = [step for step in self.listed if step.weight <= weight]
        return reached[-1] if reached else Step(weight=weight)


class OnFailure(StrEnum):
    """What a limit or a deadline that is passed brings."""

    HALT = "Halt"
    PAUSE = "Pause"
    ROLLBACK = "Rollback"


class FailurePolicy(Struct, frozen=True, kw_only=True):
    """How many failed checks are forgiven, how long a step and an attempt may take, and what comes then."""

    on_failure: OnFailure = OnFailure.HALT
    failure_limit: int | None = None
    consecutive_failure_limit: int | None = None
    step_deadline: float | None = None
    deadline: float | None = None

    @property
    def has_limits(self) -> bool:
        """Whether anything is counted or timed."""
        limits = (self.failure_limit, self.consecutive_failure_limit, self.step_deadline, self.deadline)
        return any(limit is not None for limit in limits)


class PromotionPolicy(Struct, frozen=True, kw_only=True):
    """What the copy leaves as it is, and how the traffic goes back after it: `step_weight` 0 = all at once.

    `drain` is the least time between the canary's last traffic and its end, `deadline` the most for the primary's
    rolling update. `keep` are JSON pointers into the pod template, at which the primary's stays as it is.
    """

    step_weight: int = 0
    drain: float = 0.0
    deadline: float | None = None
    keep: tuple[str, ...] = ()
