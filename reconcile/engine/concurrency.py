"""Calls a function for many items on a bounded worker pool; results come in the order of the items."""

from __future__ import annotations

from collections import deque
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

Item = TypeVar("Item")
Output = TypeVar("Output")


def map_concurrently(function: Callable[[Item], Output], items: Iterable[Item], workers: int) -> Iterator[Output]:
    """Yields `function(item)` for each item, in the order of the items, with at most `workers` calls at a time.

    The caller's thread takes each item, and only when a worker is free for it. An exception of `items` is raised
    after the results of all items before it. With one worker there is no other thread.
    """
    if workers == 1:
        return map(function, items)
    return _map_in_threads(function, items, workers)


def _map_in_threads(function: Callable[[Item], Output], items: Iterable[Item], workers: int) -> Iterator[Output]:
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - not for one worker

    results: deque[Future[Output]] = deque()
    failure: Exception | None = None
    free = BoundedSemaphore(workers)
    with ThreadPoolExecutor(workers, thread_name_prefix="map_concurrently") as pool:
        iterator = iter(items)
        while True:
            free.acquire()
            try:
                item = next(iterator)
            except StopIteration:
                break
            except Exception as error:  # noqa: BLE001 - raised again below
                failure = error
                break
            results.append(pool.submit(function, item))
            results[-1].add_done_callback(lambda _: free.release())
            while results and results[0].done():
                yield results.popleft().result()
        while results:
            yield results.popleft().result()
    if failure is not None:
        raise failure
