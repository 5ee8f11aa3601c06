"""Telling one story on the real API server, through a gateway that may do something at one of its requests.

Duty: the driver, and the record of what was asked and how it ended. What has to be is said elsewhere.
"""

from __future__ import annotations

import json
import logging
import re
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from reconcile.clusters.kube.cluster import connect
from reconcile.model.errors import ClusterError
from reconcile.model.kinds import DEPLOYMENT, ROLLOUT, VIRTUAL_SERVICE
from reconcile.model.measurement import Failure
from tests.apiserver.steering import Metrics, Steerer
from tests.components.gateway import Gateway, passed
from tests.contract import comparison
from tests.contract.release import Release
from tests.contract.sandboxes import open_sandbox

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from reconcile.model.plan import Record
    from tests.components.controlplane import ControlPlane
    from tests.components.gateway import Fault, Hook, Request
    from tests.faults.stories import Story

MOST = 24
"""The passes after which a story is given up."""
PATIENCE = 2.0
"""The seconds in which a request of a pass within this process has to be answered: short, as some hang."""
PROCESSES = threading.Semaphore(2)
# The ends of the names of fields, and the words, that say when it was and how often.
_PASSING = ("time", "query", "checks", "consecutivefailures")
_COUNTED = re.compile(r"\d+ checks?")
_REST = ("idle", "applied")


@dataclass(frozen=True, kw_only=True)
class Made:
    """One pass: what it did, how that ended, why in words, and what it asked of the server, in order.

    `phase` is the one that it found.
    `ended` is the result of its one Rollout, `raised` where the whole pass could not be made, `killed`, or `gone` where
    there was no Rollout.
    """

    move: str
    ended: str
    reason: str
    requests: tuple[Request, ...]
    phase: str = ""

    @property
    def writes(self) -> tuple[Request, ...]:
        """What it wrote, or tried to."""
        return tuple(request for request in self.requests if request.writes)


@dataclass(frozen=True, kw_only=True)
class Told:
    """A story that was told. `end` is what it left behind, as far as it must be alike; "" for `trouble` is none."""

    namespace: str
    passes: tuple[Made, ...]
    end: dict[str, Any] = field(default_factory=dict)
    trouble: str = ""


class Telling:
    """A story, a namespace, and a hook that is asked about each request of the passes."""

    def __init__(self, plane: ControlPlane, namespace: str, stack: ExitStack, patience: float = PATIENCE) -> None:
        self.plane = plane
        self.namespace = namespace
        self.gateway = stack.enter_context(Gateway(plane, self._asked).serving())
        self.sandbox = stack.enter_context(open_sandbox("api", namespace, folder=None, plane=plane))
        self.kubeconfig = self.gateway.before(plane.kubeconfig)
        self.sandbox.cluster = stack.enter_context(connect(str(self.kubeconfig), timeout=patience, environ={}))
        self.release = Release(self.sandbox)
        self.passes: list[Made] = []
        self.hook: Hook = lambda _: passed
        self.most = MOST
        self.gone = False  # whether somebody deleted the Rollout: then no goal is reached
        # Called in place of the pass of that number.
        self.instead: dict[int, Callable[[], list[Record]]] = {}
        self._stack = stack
        self._requests: list[Request] = []

    def _asked(self, request: Request) -> Fault:
        self._requests.append(request)
        return self.hook(request)

    def tell(self, story: Story, *, rest: bool = True) -> Told:
        """Tell it to its end, and then, unless it is not to rest, make one more pass, which has nothing to do."""
        try:
            for goal in story(self.release):
                while self.gone or not goal(self.release):
                    if len(self.passes) >= self.most:
                        return self._told("no end is reached")
                    self.make()
        except TimeoutError as error:
            return self._told(str(error))
        count, before = len(self.passes), self.left()
        if rest:
            last = self.make()
            del self.passes[count:]
            if (last.move, last.ended) != _REST or last.writes or self.left() != before:
                return self._told(
                    f"14: nothing is left to do, and a pass made {last.move}: {last.ended}, {last.reason}"
                )
        return self._told("")

    def _told(self, trouble: str) -> Told:
        return Told(namespace=self.namespace, passes=tuple(self.passes), end=self.left(), trouble=trouble)

    def make(self) -> Made:
        """Make the next pass, and keep what it was."""
        self._requests.clear()
        number = len(self.passes)
        try:
            records = self.instead.pop(number, self.release.attempt)()
        except ClusterError as error:
            made = self._made("", "raised", str(error))
        except ChildProcessError as error:
            made = self._made("", "killed", str(error))
        else:
            made = self._made("", "gone", "")
            for record in records:
                why, phase = record.error or record.plan.reason, record.plan.before.phase
                made = self._made(record.plan.move, record.result.value, why, phase)
        self.passes.append(made)
        return made

    def _made(self, move: str, ended: str, reason: str, phase: str = "") -> Made:
        return Made(move=move, ended=ended, reason=reason, phase=phase, requests=tuple(self._requests))

    def left(self) -> dict[str, Any]:
        """Give what is there, as far as it must be alike wherever and however often it is told."""
        objects = comparison.objects(self.sandbox.stored(ROLLOUT, DEPLOYMENT, VIRTUAL_SERVICE))
        found: dict[str, Any] = comparison.Names().rename(_timeless(objects))
        return dict(json.loads(json.dumps(found).replace(self.namespace, "test")))

    # A pass by the program itself, as a process.

    def by_process(self, number: int) -> Callable[[], None]:
        """Let the program make the pass of that number; what this gives kills it.

        Its clock cannot be set: so all passes before it were made within the last hour, and the others follow it.
        """
        self.release.now = datetime.now(UTC) - timedelta(hours=1)
        running: list[subprocess.Popen[str]] = []

        def run() -> list[Record]:
            metrics = self._stack.enter_context(Metrics().serving())
            values = self.release.meter.values.items()
            metrics.values = {key: str(value) for key, value in values if not isinstance(value, Failure)}
            steerer = Steerer(kubeconfig=self.kubeconfig, metrics=metrics.url, namespace=self.namespace)
            with PROCESSES:
                self.release.now = datetime.now(UTC)
                with steerer.begin("run", "--namespace", self.namespace) as process:
                    running.append(process)
                    _, err = process.communicate(timeout=120)
            self.release.pause()
            raise ChildProcessError(f"exit code {process.returncode}: {err}")

        self.instead[number] = run

        def kill() -> None:
            running[0].kill()

        return kill


def _timeless(value: Any) -> Any:
    """Leave out when it was and how often, which is not what it ends with; and the query, which only a real meter has.

    A check that was counted by a pass that died is not counted again, and the next pass counts one of its own.
    """
    if isinstance(value, dict):
        return {key: _timeless(item) for key, item in value.items() if not key.lower().endswith(_PASSING)}
    if isinstance(value, str):
        return _COUNTED.sub("checks", value)
    return [_timeless(item) for item in value] if isinstance(value, list) else value


def undisturbed(plane: ControlPlane, namespace: str, story: Story) -> Told:
    """Tell a story as it goes by itself."""
    with ExitStack() as stack:
        return Telling(plane, namespace, stack).tell(story)


def twice(plane: ControlPlane, namespace: str, story: Story, number: int) -> Told:
    """Tell a story up to the pass of that number, which is followed by another one at once."""
    with ExitStack() as stack:
        telling = Telling(plane, namespace, stack)
        telling.most = number + 1
        telling.instead[number] = lambda: [*telling.release.new_pass().run(), *telling.release.attempt()]
        return telling.tell(story, rest=False)


class Words(logging.Handler):
    """What the program logs about defects of its own, in a `with`: none is expected, whatever the server answers."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def __enter__(self) -> Self:
        logging.getLogger("steerer").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("steerer").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one that has a traceback."""
        if record.exc_info:
            self.said.append(f"{record.getMessage()}: {record.exc_info[1]!r}")
