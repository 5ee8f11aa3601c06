"""Waiting for the time of the next pass.

Duty: when a pass begins. What a pass does is not known here.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def ticks(every: float | None, duration: float | None, *, last: bool = False) -> Iterator[None]:
    """Let one pass begin now, and, with `every`, one at each multiple of it until `duration` has passed (None: ever).

    Ticks count from the first, however long the passes take; one that a long pass missed is left out. With `last`
    there is one more when `duration` is over. All in seconds.
    """
    begun = time.monotonic()
    yield
    while every:
        passed = time.monotonic() - begun
        offset = (passed // every + 1) * every
        if duration is not None and offset > duration:
            if not last or passed >= duration:
                return
            offset = duration
        time.sleep(offset - passed)
        yield
