"""The errors that end a walk through the gates: a wait or a halt."""

from __future__ import annotations


class StopError(Exception):
    """A gate does not open, or an object that it looks at cannot be used."""


class WaitError(StopError):
    """Nothing is wrong, but nothing can be done yet. The text says what the pass waits for.

    `pending`: it is for what is in Git to be applied, which may never come; all else comes with time.
    """

    def __init__(self, reason: str, *, pending: bool = False) -> None:
        super().__init__(reason)
        self.pending = pending


class GateError(StopError):
    """The pass halts for `reason`. `event` is the whole text of the Event, where it is not just the reason."""

    def __init__(self, reason: str, event: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.event = event
