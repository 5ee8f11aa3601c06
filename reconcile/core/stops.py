"""The errors that end a walk through the gates: a wait, a hold or a halt."""

from __future__ import annotations


class StopError(Exception):
    """A gate does not open, or an object that it looks at cannot be used."""


class WaitError(StopError):
    """Nothing is wrong, but nothing can be done yet. The text says what the pass waits for.

    `remedy`: it may never come, and this is what a person does then; "" = it comes with time.
    """

    def __init__(self, reason: str, *, remedy: str = "") -> None:
        super().__init__(reason)
        self.remedy = remedy


class HoldError(StopError):
    """Nothing is wrong, and the pass has something to store: what it measured, or whose word it waits for.

    `condition` is the reason of the conditions. `is_told`: it waits for a person, who is told by an Event; such time
    is not counted by the deadline of a step.
    """

    def __init__(self, reason: str, condition: str, *, is_told: bool = True) -> None:
        super().__init__(reason)
        self.condition = condition
        self.is_told = is_told


class UnansweredError(StopError):
    """What a gate asks has not been asked yet."""


class GateError(StopError):
    """The pass halts for `reason`. `event` is the whole text of the Event, where it is not just the reason.

    With a `condition` no pass will go on by itself: it is the reason of the condition Stalled.
    """

    def __init__(self, reason: str, event: str = "", condition: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.event = event
        self.condition = condition


class LimitError(GateError):
    """The canary passed a limit or a deadline of the failure policy: `code` is which, in a word for programs."""

    def __init__(self, reason: str, code: str) -> None:
        super().__init__(reason)
        self.code = code
