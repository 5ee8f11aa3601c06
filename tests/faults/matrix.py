"""All trials: told in threads, and each judged by what the audit log has of its namespace."""

from __future__ import annotations

import uuid
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.faults import points, trials
from tests.faults.stories import STORIES
from tests.faults.telling import Words, twice, undisturbed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tests.components.audit import AuditEntry
    from tests.components.controlplane import ControlPlane
    from tests.faults.telling import Told
    from tests.faults.trials import Ended, Looks, Trial

THREADS = 12  # which mostly wait for the server


@dataclass(kw_only=True)
class Calm:
    """The stories as they go undisturbed, which every trial is compared with, and the trials there are.

    `serial` is how the world may look after two passes in a row, by story and number of the first one.
    """

    told: Mapping[str, Told]
    logs: Mapping[str, Sequence[AuditEntry]]
    trials: Sequence[Trial]
    serial: dict[tuple[str, int], Looks] = field(default_factory=dict)


def calm(plane: ControlPlane) -> Calm:
    """Tell each story undisturbed, and find the trials there are."""
    mark = plane.mark()
    with Words(), ThreadPoolExecutor(THREADS) as pool:
        futures = {name: pool.submit(undisturbed, plane, _new("calm"), story) for name, story in STORIES.items()}
        told = {name: future.result() for name, future in futures.items()}
    logs = {name: plane.requests_since(mark, namespace=one.namespace) for name, one in told.items()}
    return Calm(told=told, logs=logs, trials=trials.every(points.writes(told), points.reads(told)))


def tried(
    plane: ControlPlane, found: Calm, wanted: Sequence[Trial], until: Callable[[], bool] = lambda: False
) -> Iterator[Ended]:
    """Make trials and judge them, as they come to their ends; no other is begun once `until` is true."""
    with Words() as words, ThreadPoolExecutor(THREADS) as pool:
        _learn_serial(plane, found, wanted)
        todo = iter(wanted)
        running: set[Future[Ended]] = set()
        while True:
            while len(running) < THREADS and not until() and (trial := next(todo, None)):
                running.add(pool.submit(_ended, plane, found, trial))
            if not running:
                break
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    assert not words.said, words.said


def _ended(plane: ControlPlane, found: Calm, trial: Trial) -> Ended:
    mark, namespace, story = plane.mark(), _new("try"), trial.point.story
    told, seen = trials.made(trial, plane, namespace, found.serial.get((story, trial.point.number), ()))
    return trials.judged(trial, told, seen, found.told[story], plane.requests_since(mark, namespace=namespace))


def _learn_serial(plane: ControlPlane, found: Calm, wanted: Sequence[Trial]) -> None:
    """Find how the world may look after two passes in a row, the second one at once or a minute later."""
    places = {(one.point.story, one.point.number) for one in wanted if one.kind == "race"} - found.serial.keys()
    mark = plane.mark()
    with ThreadPoolExecutor(THREADS) as pool:
        futures = {
            (story, number): pool.submit(twice, plane, _new("twice"), STORIES[story], number)
            for story, number in places
        }
        spaces = {place: future.result().namespace for place, future in futures.items()}
    for (story, number), namespace in spaces.items():
        log = plane.requests_since(mark, namespace=namespace)
        found.serial[story, number] = trials.looks(found.logs[story], number) + trials.looks(log, number)


def _new(what: str) -> str:
    return f"{what}-{uuid.uuid4().hex[:12]}"
