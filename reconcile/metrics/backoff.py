"""Rate limit and back-off: how many queries a metrics server gets at a time, from when on, and when no more.

A server that has too much to do is asked less. Times are seconds on one monotonic clock, and are given.
"""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime

from msgspec import Struct
from msgspec.structs import replace

MAX_CONCURRENCY = 16
MAX_REFUSALS = 3
FIRST_DELAY = 1.0
"""Seconds until the next request after a first refusal without `Retry-After`. Each further refusal doubles it."""

_SECONDS = re.compile(r"[0-9]{1,9}")


class Backoff(Struct, frozen=True, kw_only=True):
    """The rate limit: at most `concurrency` requests at a time, and none before `not_before`.

    `stopped` is why no request is sent any more, in words; "" = requests are sent.
    Each new refusal begins an `epoch`. A request belongs to the epoch in which it was sent. Only a response to a
    request of the present epoch says how the server is now: the requests that were in flight at a refusal are likely
    to be refused as well.
    """

    concurrency: int = MAX_CONCURRENCY
    not_before: float = 0.0
    epoch: int = 0
    refusals: int = 0
    stopped: str = ""

    def after_response(self, epoch: int) -> Backoff:
        """Returns the limit after a response: one more request at a time than before."""
        if epoch != self.epoch:
            return self
        return replace(self, concurrency=min(self.concurrency + 1, MAX_CONCURRENCY), refusals=0)

    def after_query_timeout(self) -> Backoff:
        """Returns the limit after the server gave up a query that it had begun: half as many requests at a time."""
        return replace(self, concurrency=max(self.concurrency // 2, 1))

    def after_refusal(self, epoch: int, reason: str, now: float, retry_after: float | None, deadline: float) -> Backoff:
        """Returns the limit after a refusal: one request at a time after a delay, and none after MAX_REFUSALS.

        `reason` is what the server said, `retry_after` the seconds that it names (None = none), `deadline` the end of
        the time for all queries.
        """
        outdated = epoch != self.epoch
        refusals = self.refusals if outdated else self.refusals + 1
        delay = 0.0 if outdated else FIRST_DELAY * 2**self.refusals
        not_before = max(self.not_before, now + (delay if retry_after is None else retry_after))
        stopped = ""
        if refusals >= MAX_REFUSALS:
            stopped = f"{reason}, {refusals} times in a row; nothing more is asked in this pass"
        elif not_before >= deadline:
            stopped = f"{reason}, and is to be left alone for longer than this pass has; nothing more is asked in it"
        return replace(
            self,
            concurrency=1,
            not_before=not_before,
            epoch=self.epoch + (not outdated),
            refusals=refusals,
            stopped=self.stopped or stopped,
        )


def retry_after(value: str, date: str) -> float | None:
    """Returns the seconds in a `Retry-After` header; a time in it is counted from the response's own `Date`."""
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        return max((parsedate_to_datetime(value) - parsedate_to_datetime(date)).total_seconds(), 0.0)
    except (ValueError, TypeError, OverflowError):  # no date, none of this calendar, or only one has a time zone
        return None
