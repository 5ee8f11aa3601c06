"""The clusters of the contract as fixtures: each of its cases is for all of them."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

import pytest

from tests.contract.release import Play, Story
from tests.contract.sandboxes import STAGES, Stage, staged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.components.controlplane import ControlPlane

    Case = tuple[Callable[[Play], None], str, str]
    Stories = Mapping[str, Future[Story]]

# The plays say with plain assertions what has to be.
pytest.register_assert_rewrite("tests.contract.scenarios", "tests.contract.races")

# Plays at a time: those on the API mostly wait for the controllers, those in folders for the disk.
ON_THE_API, IN_FOLDERS = 8, 2
# What the name of a namespace is made of.
NAMED = frozenset("-abcdefghijklmnopqrstuvwxyz0123456789")


@pytest.fixture(params=STAGES)
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """Give an empty namespace of each cluster."""
    plane = request.getfixturevalue("control_plane") if request.param == "api" else None
    with staged(request.param, f"contract-{uuid4().hex[:8]}", folder=tmp_path, plane=plane) as stage:
        yield stage


class Told(Protocol):
    """What `told` gives."""

    def __call__(self, case: str, where: str, plays: Mapping[str, Callable[[Play], None]] | None = None) -> Story:
        """Play one of the module's PLAYS in one of STAGES, or in memory one of others, and give its story."""
        ...


@pytest.fixture
def told(request: pytest.FixtureRequest) -> Told:
    """Give a function that plays a case; what takes its time has begun with the first of its kind."""

    def tell(case: str, where: str, plays: Mapping[str, Callable[[Play], None]] | None = None) -> Story:
        if where == "memory":
            play_it = (plays or request.module.PLAYS)[case]
            return story(play_it, "memory", f"{request.module.__name__} {case}")
        futures: Stories = request.getfixturevalue("on_the_api" if where == "api" else "in_folders")
        return futures[case].result()

    return tell


@pytest.fixture(scope="module")
def on_the_api(request: pytest.FixtureRequest, control_plane: ControlPlane) -> Iterator[Stories]:
    """Play the module's cases that were asked for on the API server, each in its own namespace.

    All of them, before any test goes on: requests reads the environment each time, and pytest writes into it.
    """
    with begun(request, "api", ON_THE_API, lambda case: partial(story, *case, plane=control_plane)) as futures:
        wait(futures.values())
        yield futures


@pytest.fixture(scope="module")
def in_folders(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stories]:
    """Play the module's cases that were asked for in folders, each in its own."""
    new = tmp_path_factory.mktemp
    with begun(request, "folder", IN_FOLDERS, lambda case: partial(story, *case, folder=new("play"))) as futures:
        yield futures


@contextmanager
def begun(
    request: pytest.FixtureRequest, where: str, at_once: int, bound: Callable[[Case], Callable[[], Story]]
) -> Iterator[Stories]:
    """Begin to play all cases that the module's selected tests are about to ask for."""
    module, items = request.module, request.session.items
    params = [item.callspec.params for item in items if isinstance(item, pytest.Function) and item.module is module]
    wanted = dict.fromkeys(str(param["case"]) for param in params if param.get("where") == where)
    pool = ThreadPoolExecutor(at_once, thread_name_prefix=where)
    try:
        yield {case: pool.submit(bound((module.PLAYS[case], where, f"{module.__name__} {case}"))) for case in wanted}
    finally:
        pool.shutdown(cancel_futures=True)


def story(
    play_it: Callable[[Play], None],
    where: str,
    name: str,
    *,
    folder: Path | None = None,
    plane: ControlPlane | None = None,
) -> Story:
    """Play something from its beginning to its end; the namespace is named for it."""
    namespace = "".join(filter(NAMED.__contains__, name.rpartition("test_")[2].replace(" ", "-")))
    with staged(where, namespace, folder=folder, plane=plane) as stage:
        play = Play(stage)
        play_it(play)
        play.end()
    return play.story
