"""When the next pass starts."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def pass_starts(every: float | None, duration: float | None, *, last: bool = False) -> Iterator[None]:
    """Yields at the start of each pass: now and, with `every`, at each multiple of it until `duration` is over.

    The multiples count from the first start, however long the passes take; a start that a long pass misses is left
    out. Without a duration there is no end. With `last` there is one more start when the duration is over. All in
    seconds.
    """
    first = time.monotonic()
    yield
    while every:
        gc.collect()  # here it costs no time: the next pass is waited for
        elapsed = time.monotonic() - first
        start = (elapsed // every + 1) * every
        if duration is not None and start > duration:
            if not last or elapsed >= duration:
                return
            start = duration
        time.sleep(start - elapsed)
        yield
