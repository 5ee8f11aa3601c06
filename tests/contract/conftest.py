"""Fixtures of the contract: a sandbox in each cluster, and the history of a scenario in each cluster."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

import pytest

from tests.contract.release import History, Release
from tests.contract.sandboxes import CLUSTERS, Sandbox, open_sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.components.controlplane import ControlPlane

    Scenario = Callable[[Release], None]
    Case = tuple[Scenario, str, str]
    Histories = Mapping[str, Future[History]]

# Scenarios hold plain assertions.
pytest.register_assert_rewrite("tests.contract.scenarios", "tests.contract.races", "tests.contract.rules")

# Scenarios at a time: those on the API server mostly wait for the controllers, those in folders for the disk.
ON_THE_API, IN_FOLDERS = 8, 2
NAMESPACE_CHARACTERS = frozenset("-abcdefghijklmnopqrstuvwxyz0123456789")


@pytest.fixture(params=CLUSTERS)
def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sandbox]:
    """Yields an empty namespace of each cluster."""
    plane = request.getfixturevalue("control_plane") if request.param == "api" else None
    with open_sandbox(request.param, f"contract-{uuid4().hex[:8]}", folder=tmp_path, plane=plane) as sandbox:
        yield sandbox


class HistoryOf(Protocol):
    """The function that the fixture `history_of` returns."""

    def __call__(self, case: str, where: str, scenarios: Mapping[str, Scenario] | None = None) -> History:
        """Runs one of the module's SCENARIOS in one of CLUSTERS; in memory also one of other `scenarios`."""
        ...


@pytest.fixture(scope="module")
def in_memory() -> dict[Scenario, History]:
    """Keeps what was run in memory: all other clusters are compared with it."""
    return {}


@pytest.fixture
def history_of(request: pytest.FixtureRequest, in_memory: dict[Scenario, History]) -> HistoryOf:
    """Returns a function that runs a case; slow cases run in the background from the first one of their kind on."""

    def history_of(case: str, where: str, scenarios: Mapping[str, Scenario] | None = None) -> History:
        if where == "memory":
            scenario = (scenarios or request.module.SCENARIOS)[case]
            if scenario not in in_memory:
                in_memory[scenario] = run(scenario, "memory", f"{request.module.__name__} {case}")
            return in_memory[scenario]
        futures: Histories = request.getfixturevalue("on_the_api" if where == "api" else "in_folders")
        return futures[case].result()

    return history_of


@pytest.fixture(scope="module")
def on_the_api(request: pytest.FixtureRequest, control_plane: ControlPlane) -> Iterator[Histories]:
    """Runs the selected cases of the module on the API server, each in its own namespace.

    All of them end before any test goes on: requests reads the environment each time, and pytest writes into it.
    """
    with started(request, "api", ON_THE_API, lambda case: partial(run, *case, plane=control_plane)) as futures:
        wait(futures.values())
        yield futures


@pytest.fixture(scope="module")
def in_folders(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Histories]:
    """Runs the selected cases of the module in folders, each in its own."""
    new = tmp_path_factory.mktemp
    with started(request, "folder", IN_FOLDERS, lambda case: partial(run, *case, folder=new("release"))) as futures:
        yield futures


@contextmanager
def started(
    request: pytest.FixtureRequest, where: str, at_once: int, bind: Callable[[Case], Callable[[], History]]
) -> Iterator[Histories]:
    """Starts all cases that the selected tests of the module need."""
    module, items = request.module, request.session.items
    params = [item.callspec.params for item in items if isinstance(item, pytest.Function) and item.module is module]
    names = dict.fromkeys(str(param["case"]) for param in params if param.get("where") == where)
    cases = {name: (module.SCENARIOS[name], where, f"{module.__name__} {name}") for name in names}
    pool = ThreadPoolExecutor(at_once, thread_name_prefix=where)
    try:
        yield {name: pool.submit(bind(case)) for name, case in cases.items()}
    finally:
        pool.shutdown(cancel_futures=True)


def run(
    scenario: Scenario, where: str, name: str, *, folder: Path | None = None, plane: ControlPlane | None = None
) -> History:
    """Runs a scenario to its end in a namespace that has its name; returns its history."""
    namespace = "".join(filter(NAMESPACE_CHARACTERS.__contains__, name.rpartition("test_")[2].replace(" ", "-")))
    with open_sandbox(where, namespace, folder=folder, plane=plane) as sandbox:
        release = Release(sandbox)
        scenario(release)
        release.end()
    return release.history
