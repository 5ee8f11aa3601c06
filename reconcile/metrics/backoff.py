"""How much a metrics server is asked at once, and when no more.

Duty: the effect of each reply on what is sent next, so that a server that has too much to do is asked less. Times are
seconds on one clock, given from outside. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime

WORKERS = 16
MOST_REFUSALS = 3
PAUSE = 1.0
"""Seconds until the next request after the first refusal that names no time; doubled with each that follows."""

_SECONDS = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """What may be sent: `most` requests at once, none before `after`; `why` nothing more is sent at all, in words.

    Each request is sent in a `wave`. Only a reply to a request of the present wave tells how the server is now: those
    that were under way when it refused one are likely refused as well, and say nothing new.
    """

    most: int = WORKERS
    after: float = 0.0
    wave: int = 0
    refusals: int = 0
    why: str = ""

    def answered(self, wave: int) -> Pace:
        """Go on, and ask one more at once than before, up to all workers."""
        if wave != self.wave:
            return self
        return replace(self, most=min(self.most + 1, WORKERS), refusals=0)

    def strained(self) -> Pace:
        """Ask half as much at once: the server gave up a query that it had begun."""
        return replace(self, most=max(self.most // 2, 1))

    def refused(self, wave: int, words: str, now: float, wait: float | None, end: float) -> Pace:
        """Ask one at a time, after `wait` seconds (None = none are named), and nothing more after a few refusals.

        `words` are what the server said, `end` is when the time for all questions is over.
        """
        stale = wave != self.wave
        refusals = self.refusals if stale else self.refusals + 1
        pause = 0.0 if stale else PAUSE * 2**self.refusals
        after = max(self.after, now + (pause if wait is None else wait))
        why = ""
        if refusals >= MOST_REFUSALS:
            why = f"{words}, {refusals} times in a row; nothing more is asked in this pass"
        elif after >= end:
            why = f"{words}, and is to be left alone for longer than this pass has; nothing more is asked in it"
        return replace(self, most=1, after=after, wave=self.wave + (not stale), refusals=refusals, why=self.why or why)


def retry_after(value: str, date: str) -> float | None:
    """Give the seconds of a `Retry-After` header, counted from the reply's own `Date` where it names a time."""
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        return max((parsedate_to_datetime(value) - parsedate_to_datetime(date)).total_seconds(), 0.0)
    except (ValueError, TypeError):  # no date, or one of the two without a time zone
        return None
