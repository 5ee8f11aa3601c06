"""The clusters of the contract as fixtures: each of its cases is for all of them."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

import pytest

from tests.contract.play import Play, Story
from tests.contract.stages import STAGES, Stage, staged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from types import ModuleType

    from tests.components.controlplane import ControlPlane

# The plays say with plain assertions what has to be.
pytest.register_assert_rewrite("tests.contract.lives", "tests.contract.races")

# Lives on the API at a time: each mostly waits for the controllers, which mostly wait for each other.
AT_ONCE = 8
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
        """Play one of the module's PLAYS, or of others, in one of STAGES, and give its story."""
        ...


@pytest.fixture
def told(request: pytest.FixtureRequest, tmp_path: Path) -> Told:
    """Give a function that plays a case; what runs on the API has begun with the first of them."""

    def tell(case: str, where: str, plays: Mapping[str, Callable[[Play], None]] | None = None) -> Story:
        if where == "api":
            future: Future[Story] = request.getfixturevalue("on_the_api")[case]
            return future.result()
        return _story(request.module, (plays or request.module.PLAYS)[case], case, where, folder=tmp_path)

    return tell


@pytest.fixture(scope="module")
def on_the_api(request: pytest.FixtureRequest, control_plane: ControlPlane) -> Iterator[Mapping[str, Future[Story]]]:
    """Play the module's cases that were asked for on the API server, many at a time, each in its own namespace."""
    cases = [item for item in request.session.items if isinstance(item, pytest.Function)]
    params = [item.callspec.params for item in cases if item.module is request.module]
    wanted = dict.fromkeys(str(param["case"]) for param in params if param.get("where") == "api")
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="play")
    try:
        module = request.module
        yield {
            case: pool.submit(_story, module, module.PLAYS[case], case, "api", plane=control_plane) for case in wanted
        }
    finally:
        pool.shutdown(cancel_futures=True)


def _story(
    module: ModuleType,
    play_it: Callable[[Play], None],
    case: str,
    where: str,
    *,
    folder: Path | None = None,
    plane: ControlPlane | None = None,
) -> Story:
    name = f"{module.__name__.rpartition('test_')[2]} {case}"
    with staged(
        where, "".join(filter(NAMED.__contains__, name.replace(" ", "-"))), folder=folder, plane=plane
    ) as stage:
        play = Play(stage)
        play_it(play)
        play.end()
    return play.story
