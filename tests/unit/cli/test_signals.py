"""Signals at any place in a pass: nothing is left half done, and the next pass completes it."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from reconcile.cli.session import make_pass
from reconcile.cli.signals import GRACE, Stop, Stopped
from reconcile.engine.one_pass import Pass
from reconcile.engine.selection import Selection
from reconcile.model.plan import Record, Result
from reconcile.model.settings import Settings
from tests.components.processes import wait_for
from tests.support.fakes import FixedMeter, MemoryCluster
from tests.support.program import begun, begun_patiently, contents, invoke, silent_server
from tests.support.world import DURATION, METRICS, START, SUCCESS, release

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from reconcile.model.measurement import Answer, Question


# In this process: a signal at each call of a port.


@contextmanager
def receiving_sigterm(stop: Stop) -> Iterator[None]:
    """Installs the handler of SIGTERM for a while."""
    before = signal.signal(signal.SIGTERM, stop.receive)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class SignalAtCall:
    """Both ports of a pass. They send SIGTERM during call number `at`; `call` is its name then."""

    width = 1

    def __init__(self, cluster: MemoryCluster, at: int) -> None:
        self._cluster = cluster
        self._meter = FixedMeter(**{SUCCESS: 100.0, DURATION: 100.0})
        self._left = at
        self.call = ""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in {"list", "fetch", "patch", "record"}:
            raise AttributeError(name)

        def call(*args: Any) -> Any:
            self._left -= 1
            if self._left == 0:
                self.call = name
                signal.raise_signal(signal.SIGTERM)
            return getattr(self._cluster, name)(*args)

        return call

    def measure(self, questions: Collection[Question], at: datetime) -> Mapping[Question, Answer]:
        """Returns values that pass."""
        self._left -= 1
        if self._left == 0:
            self.call = "measure"
            signal.raise_signal(signal.SIGTERM)
        return self._meter.measure(questions, at)


def world() -> MemoryCluster:
    return MemoryCluster([*release("a", 10), *release("b", 20), *release("c")])


def one(cluster: Any, stop: Stop, meter: Any) -> Pass:
    return Pass(
        cluster=cluster,
        meter=meter,
        settings=Settings(metrics=METRICS),
        selection=Selection(),
        now=lambda: START,
        stop_reason=stop.reason,
    )


def weights(cluster: MemoryCluster) -> dict[str, tuple[int, int]]:
    """Returns for each Rollout the weight in its status and the one of its route."""
    at = {(ref.kind.name, ref.name): item for ref, item in cluster.objects.items()}
    return {
        name: (
            at["Rollout", name].get("status", {}).get("canaryWeight", -1),
            at["VirtualService", name]["spec"]["http"][0]["route"][1]["weight"],
        )
        for name in "abc"
    }


BEFORE = {"a": (-1, 10), "b": (-1, 20), "c": (-1, 0)}
AFTER = {"a": (20, 20), "b": (30, 30), "c": (10, 10)}
# Two lists, one fetch, one measurement; then for each Rollout two patches and its Events.
CALLS = range(1, 4 + 2 * 3 + 4 + 1)


@pytest.mark.parametrize("at", CALLS)
def test_a_signal_at_any_call_leaves_each_rollout_as_it_was_or_all_done(at: int) -> None:
    stop, cluster, seen = Stop(), world(), list[Record]()
    ports = SignalAtCall(cluster, at)

    def report(records: list[Record]) -> int:
        seen.extend(records)
        return 0

    with receiving_sigterm(stop), pytest.raises(Stopped, match=r"told to stop \(SIGTERM\)") as stopped:
        make_pass(one(ports, stop, ports), "none", stop, report)
    assert stopped.value.code == 143
    now = weights(cluster)
    done = {name for name in now if now[name] == AFTER[name]}
    assert all(now[name] == BEFORE[name] for name in now.keys() - done)
    if ports.call in {"list", "fetch", "measure"}:
        assert (seen, done, stop.summary) == ([], set(), "; this pass has written nothing")
    else:
        missed = [record.plan.rollout.name for record in seen if record.result is Result.UNREACHED]
        assert {*missed} == now.keys() - done
        assert all(f"Rollout {name}.test" in stop.summary for name in missed)
    # Whatever is left is done by the next pass, and nothing is done twice.
    next_one = one(cluster, Stop(), ports).run()
    assert {record.plan.move for record in next_one if record.plan.rollout.name in done} <= {"wait"}
    assert weights(cluster) == AFTER


def test_the_signals_of_the_test_above_fall_into_every_kind_of_call() -> None:
    calls = []
    for at in CALLS:
        stop = Stop()
        ports = SignalAtCall(world(), at)
        with receiving_sigterm(stop), pytest.raises(Stopped):
            make_pass(one(ports, stop, ports), "none", stop, lambda _: 0)
        calls.append(ports.call)
    assert set(calls) == {"list", "fetch", "measure", "patch", "record"}
    assert calls.count("patch") == 6


def test_a_second_signal_ends_a_deferred_block() -> None:
    stop = Stop()
    done = []
    with receiving_sigterm(stop), pytest.raises(Stopped), stop.deferred():  # noqa: PT012 - the block is ended
        signal.raise_signal(signal.SIGTERM)
        done.append(stop.reason())
        signal.raise_signal(signal.SIGTERM)
        done.append("more")
    assert done == ["told to stop (SIGTERM)"]


def test_without_a_signal_there_is_no_reason_to_end() -> None:
    stop = Stop()
    with stop.deferred():
        assert stop.reason() == ""
    assert GRACE < 30 - 5  # Kubernetes kills after 30 s


# As processes.

# Another thread than the waiting one gets the signal: as if it had come just before the wait began.
OTHER_THREAD = """
import signal, threading, time
from queue import SimpleQueue
from reconcile.cli.signals import Stop, Stopped
stop = Stop()
stop.listen()
threading.Timer(0.2, signal.raise_signal, [signal.SIGTERM]).start()
try:
    SimpleQueue().get(timeout=60)
except Stopped:
    print(stop.reason())
"""


def test_a_signal_that_wakes_no_thread_is_handled_all_the_same() -> None:
    done = subprocess.run(
        [sys.executable, "-c", OTHER_THREAD], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "told to stop (SIGTERM)\n", "")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize("mode", [(), ("--every", "60s"), ("--wait",)])
def test_while_a_metric_is_asked_it_ends_at_once(
    folder: Path, mode: tuple[str, ...], number: signal.Signals, code: int
) -> None:
    args = ("run", "-f", folder, "--control-loop-interval", "0s")
    assert invoke(*args).returncode == 0
    before = contents(folder)
    with silent_server() as (url, queried), begun_patiently(*args, "--metrics-server", url, *mode) as process:
        assert queried()
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (code, ""), err
    assert "given up" not in err  # neither the query, which has hours, nor GRACE is waited for
    assert f"steerer: told to stop ({number.name}); this pass has written nothing" in err
    assert "Traceback" not in err
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("mode", "code"), [(("--every", "60s"), 143), (("--wait",), 143), (("--every", "60s", "-o", "json"), 143)]
)
def test_between_two_passes_it_ends_at_once(folder: Path, mode: tuple[str, ...], code: int) -> None:
    with begun("run", "-f", folder, *mode) as process:
        assert process.stdout is not None
        wait_for((folder / "events.yaml").exists, "the pass")
        process.stdout.readline()
        process.terminate()
        _, err = process.communicate(timeout=120)
    assert process.returncode == code
    assert "given up" not in err  # the next pass is a minute away
    assert "steerer: told to stop (SIGTERM)" in err
    assert "Traceback" not in err


DRIVER = """
import os, signal, sys, time
from reconcile.cli import signals
signals.GRACE = 1.0
stop = signals.Stop()
stop.listen()
try:
    with stop.deferred():
        os.kill(os.getpid(), signal.SIGTERM)
        print("held", flush=True)
        {then}
except signals.Stopped as stopped:
    print("ended by itself", flush=True)
    os._exit(stopped.code)
"""


@pytest.mark.parametrize(
    ("then", "out", "err"),
    [
        ("pass", "held\nended by itself\n", ""),
        (
            "time.sleep(60)",
            "held\n",
            "steerer: told to stop (SIGTERM), it did not end within 1 s: given up\n",
        ),
        ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)", "held\nended by itself\n", ""),
    ],
)
def test_a_deferred_block_has_its_time_and_no_more(then: str, out: str, err: str) -> None:
    code = DRIVER.replace("{then}", then)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (143, out, err)
