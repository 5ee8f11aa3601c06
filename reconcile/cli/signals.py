"""Being told to end: SIGTERM, as Kubernetes, Argo and Flux send it, and SIGINT, as Ctrl-C does.

Duty: when the program ends after a signal. What it does at that moment is not known here, but for whether it may be
left half done. A signal has its handler also for process 1 of a container, to which the kernel would else deny it.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from contextlib import contextmanager
from threading import Thread, main_thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# How long the write under way may take to end, in seconds. Kubernetes kills 30 s after it told.
GRACE = 20.0
# How long the main thread may take to hear of a signal before it is woken, in seconds.
DEAF = 0.5
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
# Wakes whatever waits, and is ignored by everybody else.
_WAKE = signal.SIGURG
_ENDED_BY_SIGNAL = 128


class Stopped(BaseException):
    """The program was told to end, and does. No Exception: nobody who deals with errors is to take it for one."""

    def __init__(self, told: signal.Signals) -> None:
        super().__init__(_words(told))
        self.code = _ENDED_BY_SIGNAL + told


class Stop:
    """Whether the program was told to end. It ends at once, but for what is `held`: that is done first.

    `stands` is what there is to say of what was done until now.
    """

    def __init__(self) -> None:
        self.stands = ""
        self._told: signal.Signals | None = None
        self._held = False

    def why(self) -> str:
        """Say that the program was told to end; "" = it was not."""
        return "" if self._told is None else _words(self._told)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Do something that is not to be left half done. A second signal ends it nevertheless, and so does GRACE."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self._told is not None:
            raise Stopped(self._told)

    def listen(self) -> None:
        """Let signals come here from now on."""
        heard, told = os.pipe()
        os.set_blocking(told, False)
        signal.set_wakeup_fd(told, warn_on_full_buffer=False)
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # whoever started us, such as nohup, may want it so
                signal.signal(number, self.hear)
        signal.signal(_WAKE, lambda *_: None)
        Thread(target=_insist, args=(heard,), name="signals", daemon=True).start()

    def hear(self, number: int, _: object) -> None:
        """Be told to end: what the signals call."""
        again = self._told is not None
        self._told = self._told or signal.Signals(number)
        if again or not self._held:
            raise Stopped(self._told)


def _insist(heard: int) -> None:
    """End the program where it does not do so itself: what waits for a server in C code hears of no signal."""
    number = os.read(heard, 1)[0]
    again = _insisted(heard, time.monotonic() + GRACE)
    time.sleep(1)
    within = "told twice" if again else f"it did not end within {GRACE:g} s"
    sys.stderr.write(f"steerer: {_words(signal.Signals(number))}, {within}: given up\n")
    os._exit(_ENDED_BY_SIGNAL + number)


def _insisted(heard: int, end: float) -> bool:
    """Wake the main thread again and again until `end`, or until the program is told once more; say if it was.

    A signal that comes just before a thread begins to wait does not wake it: it is heard of when the wait is over.
    """
    while (left := end - time.monotonic()) > 0:
        if not select.select([heard], [], [], min(left, DEAF))[0]:
            signal.pthread_kill(main_thread().ident or 0, _WAKE)
        elif os.read(heard, 1)[0] in _SIGNALS:
            return True
    return False


def _words(told: signal.Signals) -> str:
    return f"told to stop ({told.name})"
