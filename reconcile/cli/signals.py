"""SIGTERM and SIGINT: the program ends at once, or as soon as a block that must not be interrupted is left.

Kubernetes, Argo and Flux send SIGTERM; Ctrl-C sends SIGINT. As process 1 of a container the program needs a handler
for each: without one the kernel drops the signal.
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

# How long the write in progress may take to end, in seconds. Kubernetes kills 30 s after SIGTERM.
GRACE = 20.0
# How long to wait for the main thread to handle a signal before it is woken again, in seconds.
WAKE_INTERVAL = 0.5
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
# Interrupts a system call, and has no other effect.
_WAKE = signal.SIGURG
_ENDED_BY_SIGNAL = 128


class Stopped(BaseException):
    """A signal ends the program. It is no Exception, so that no error handler takes it for an error."""

    def __init__(self, received: signal.Signals) -> None:
        super().__init__(_reason(received))
        self.code = _ENDED_BY_SIGNAL + received


class Stop:
    """Whether a signal asks the program to end. It ends at once, but within a `deferred` block only after it.

    `summary` is added to the last message: what was done until now.
    """

    def __init__(self) -> None:
        self.summary = ""
        self._received: signal.Signals | None = None
        self._deferring = False

    def reason(self) -> str:
        """Returns why the program has to end; "" = it goes on."""
        return "" if self._received is None else _reason(self._received)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Defers the end until the block is left. A second signal ends the program nevertheless, and so does GRACE."""
        self._deferring = True
        try:
            yield
        finally:
            self._deferring = False
        if self._received is not None:
            raise Stopped(self._received)

    def listen(self) -> None:
        """Installs the signal handlers, and starts the thread that enforces the end."""
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # the parent, such as nohup, may want it ignored
                signal.signal(number, self.receive)
        signal.signal(_WAKE, lambda *_: None)
        Thread(target=_enforce_end, args=(reader,), name="signals", daemon=True).start()

    def receive(self, number: int, _frame: object) -> None:
        """Handles a signal. Raises Stopped where the end is not deferred, and for a second signal."""
        again = self._received is not None
        self._received = self._received or signal.Signals(number)
        if again or not self._deferring:
            raise Stopped(self._received)


def _enforce_end(reader: int) -> None:
    """Ends the program where it does not end by itself: C code that waits for a server lets no handler run."""
    number = os.read(reader, 1)[0]
    again = _wake_main_thread(reader, time.monotonic() + GRACE)
    time.sleep(1)
    within = "told twice" if again else f"it did not end within {GRACE:g} s"
    sys.stderr.write(f"steerer: {_reason(signal.Signals(number))}, {within}: given up\n")
    os._exit(_ENDED_BY_SIGNAL + number)


def _wake_main_thread(reader: int, deadline: float) -> bool:
    """Wakes the main thread again and again until the deadline. Returns True as soon as a second signal comes.

    A signal that comes just before a thread begins to wait does not wake it: its handler runs after the wait.
    """
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([reader], [], [], min(left, WAKE_INTERVAL))[0]:
            signal.pthread_kill(main_thread().ident or 0, _WAKE)
        elif os.read(reader, 1)[0] in _SIGNALS:
            return True
    return False


def _reason(received: signal.Signals) -> str:
    return f"told to stop ({received.name})"
