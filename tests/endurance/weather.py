"""What goes wrong between the program and its two servers: at random, by a seed, until it is `calm`."""

from __future__ import annotations

import random
import threading
from collections import Counter
from typing import TYPE_CHECKING

from tests.apiserver.steering import vector
from tests.components.faults import FAULTS, Randomly
from tests.components.gateway import passed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.apiserver.steering import Metrics
    from tests.components.gateway import Fault, Request

# What takes a whole time-out of the program: a few of them, or they would be all that a run consists of.
_LONG = {name: fault for name, fault in FAULTS.items() if "hung" in name}
_SHORT = {name: fault for name, fault in FAULTS.items() if name not in _LONG}


class Weather:
    """Faults of the API server, as a hook of its gateway. `struck` counts them by name."""

    def __init__(self, seed: int, *, share: float, long: float) -> None:
        self._randomly = (Randomly(seed, long, _LONG), Randomly(seed + 1, share, _SHORT))
        self._calm = False

    @property
    def struck(self) -> Counter[str]:
        """How often which fault struck."""
        return sum((one.struck for one in self._randomly), Counter())

    def calm(self) -> None:
        """Let nothing go wrong from now on."""
        self._calm = True

    def __call__(self, request: Request) -> Fault:
        """Choose what becomes of a request."""
        if self._calm:
            return passed
        long, short = (hook(request) for hook in self._randomly)
        return short if long is passed else long


_UNWELL = {"istio_requests_total": "50", "istio_request_duration": "900"}
_STRANGE = {"istio_requests_total": "NaN", "istio_request_duration": "+Inf"}
_HUNG = "hung"


class Moods:
    """Prometheus, as a hook of its server: what it answers a query with. `struck` counts what was not a good answer."""

    def __init__(self, metrics: Metrics, seed: int, *, share: float, long: float) -> None:
        self.struck: Counter[str] = Counter()
        self._metrics = metrics
        self._random = random.Random(seed)  # noqa: S311 - a seed is what is wanted
        self._share, self._long = share, long
        self._over = threading.Event()
        self._lock = threading.Lock()

    def calm(self) -> None:
        """Give good answers from now on, and let go of who waits."""
        self._over.set()

    def __call__(self, query: str) -> tuple[int, bytes] | None:
        """Answer a query; None = not at all."""
        mood = self._mood()
        if mood == _HUNG:
            self._over.wait(12)  # longer than the program does
        if mood in _ANSWERS and not self._over.is_set():
            return _ANSWERS[mood](query)
        return None if mood in {_HUNG, "dropped"} else self._metrics.answer(query)

    def _mood(self) -> str:
        with self._lock:
            drawn = self._random.random()
            if self._over.is_set() or drawn >= self._share:
                return ""
            mood = _HUNG if drawn < self._long else self._random.choice(_MOODS)
            self.struck[mood] += 1
        return mood


_ANSWERS: Mapping[str, Callable[[str], tuple[int, bytes]]] = {
    "a bad value": lambda query: (200, vector(query, _UNWELL)),
    "no number": lambda query: (200, vector(query, _STRANGE)),
    "no data": lambda query: (200, vector(query, {})),
    "503": lambda _: (503, b"the backend is gone"),
    "an error": lambda _: (422, b'{"status": "error", "errorType": "execution", "error": "expanding series: gone"}'),
    "cut JSON": lambda query: (200, vector(query, _UNWELL)[:30]),
    "a web page": lambda _: (200, b"<html><body>Please log in</body></html>"),
}
_MOODS = (*_ANSWERS, "dropped")
