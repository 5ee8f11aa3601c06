"""Doing the same with many things, several at a time.

Duty: which is done when, and the order of what comes back. What is done is the caller's affair.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

Thing = TypeVar("Thing")
Done = TypeVar("Done")


def abreast(act: Callable[[Thing], Done], things: Iterable[Thing], width: int) -> Iterator[Done]:
    """Act on all, at most `width` at a time, and give what comes of it in the order of the things.

    A thing is drawn when it can be acted on at once, and always by the caller's thread. What `things` raises comes
    after what was drawn before it is done. With a width of one there is no other thread.
    """
    if width == 1:
        yield from map(act, things)
        return
    from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait  # noqa: PLC0415 - not for one at a time

    given: deque[Future[Done]] = deque()
    trouble: Exception | None = None
    with ThreadPoolExecutor(width, thread_name_prefix="abreast") as workers:
        drawn = iter(things)
        under_way: set[Future[Done]] = set()
        while True:
            try:
                thing = next(drawn)
            except StopIteration:
                break
            except Exception as error:  # noqa: BLE001 - whatever it is, it is raised again
                trouble = error
                break
            given.append(workers.submit(act, thing))
            under_way.add(given[-1])
            if len(under_way) == width:
                under_way = set(wait(under_way, return_when=FIRST_COMPLETED).not_done)
            while given and given[0].done():
                yield given.popleft().result()
        while given:
            yield given.popleft().result()
    if trouble is not None:
        raise trouble
