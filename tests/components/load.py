"""Steady requests, as from users, and what became of them. Nothing but the standard library: it also runs in a pod.

`python -m tests.components.load HOST PORT PATH RATE` sends until it is ended, and prints every few seconds, as one
line of JSON, how many requests ended how since the start: by status, or by the name of the error.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import math
import sys
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from tests.components.proxy import Address

_REPORT_EVERY = 2  # seconds


class Load:
    """Requests at a steady rate, from a few threads, between `with` and its end or `seconds` later.

    Requests of a second each come at up to 15 a second. One that takes long delays only the thread that sent it; none
    is sent in a hurry to make up for it.
    """

    def __init__(
        self,
        address: Address,
        path: str,
        *,
        rate: float,
        headers: dict[str, str] | None = None,
        seconds: float = math.inf,
    ) -> None:
        # Enough for requests of just over a second each to come at this rate.
        workers = min(16, math.ceil(rate * 1.5))
        self._address = address
        self._path = path
        self._headers = headers or {}
        self._pause = workers / rate
        self._end = time.monotonic() + seconds
        self._stop = threading.Event()
        self._ended: Counter[str] = Counter()
        self._counting = threading.Lock()
        self._threads = [
            threading.Thread(target=self._send, args=(number / rate,), daemon=True) for number in range(workers)
        ]

    def ended(self) -> dict[str, int]:
        """Count the requests so far by how they ended: `200`, `503`, `ConnectionResetError`."""
        with self._counting:
            return dict(self._ended)

    def _send(self, delay: float) -> None:
        due = time.monotonic() + delay
        with contextlib.closing(http.client.HTTPConnection(*self._address, timeout=10)) as connection:
            while not self._stop.wait(max(0, due - time.monotonic())) and time.monotonic() < self._end:
                due = max(due + self._pause, time.monotonic())
                how = self._request(connection)
                with self._counting:
                    self._ended[how] += 1

    def _request(self, connection: http.client.HTTPConnection) -> str:
        try:
            connection.request("GET", self._path, headers=self._headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()  # the next request connects anew
            return type(error).__name__
        return str(answer.status)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def main(host: str, port: str, path: str, rate: str) -> None:
    """Send requests until this process is ended, and say how they do."""
    with Load((host, int(port)), path, rate=float(rate)) as load:
        while True:
            time.sleep(_REPORT_EVERY)
            print(json.dumps(load.ended(), sort_keys=True), flush=True)  # noqa: T201 (the log of a pod)


if __name__ == "__main__":
    main(*sys.argv[1:])
