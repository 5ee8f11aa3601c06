"""The times of the model, from ranks and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

from reconcile.model.times import timestamp
from tests.explorer.state import DISTANT, PRESENT, RECENT

Past = tuple[int, int]
"""The ranks up to which the interval, and a long time, have passed."""
NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
LONG_AGO = "2020-01-01T00:00:00Z"
SPANS = {DISTANT: 200_000, RECENT: 41}
"""The seconds that have passed since the times of an attempt."""


@cache
def time(rank: int, past: Past) -> datetime:
    """Returns a time for a rank: in the same order, older than the interval for old ranks, or than anything."""
    if rank == PRESENT:
        return NOW
    if rank in SPANS:
        return NOW - timedelta(seconds=SPANS[rank])
    old, long = past
    return NOW + timedelta(seconds=rank - (100_000 if rank <= long else 1000 if rank <= old else 40))


@cache
def ranks(past: Past) -> dict[str, int]:
    """Returns the ranks of all times, by the text of each."""
    return {timestamp(time(rank, past)): rank for rank in (*range(1, 20), *SPANS)}
