"""How the tests of a run are shared out among the workers of pytest-xdist, and what the workers have in common.

A plugin of pytest; without workers it only saves on the collection of garbage. The scheduler is our own, as that of
`--dist=loadgroup` groups nothing from pytest 9.2 on, and none knows how long a test takes.
"""

from __future__ import annotations

import ctypes
import gc
import signal
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.components.fixtures import HOST, skipped
from tests.components.sharing import Host
from tests.support.durations import kept

if TYPE_CHECKING:
    from collections.abc import Mapping

# Modules each of whose tests may run in any worker. All others share fixtures, or are short.
SPLIT = {
    "tests/apiserver/test_check.py",
    "tests/apiserver/test_drift.py",
    "tests/apiserver/test_kube.py",
    "tests/apiserver/test_pipelines.py",
    "tests/apiserver/test_write_to.py",
    "tests/contract/test_port.py",
    "tests/endurance/test_endurance.py",
    "tests/explorer/test_explorer.py",
    "tests/helm/test_chart.py",
    "tests/hostile/test_writes.py",
    "tests/random_worlds/test_laws.py",
    "tests/unit/cli/test_signals.py",
}
# Folders whose tests share something that there is but one of: they all run in the same worker.
TOGETHER = {"tests/gitops", "tests/helm", "tests/monitoring"}
# Where it is not known yet how long the tests take: the folders to begin with.
FIRST = ("faults", "helm", "contract", "explorer", "mesh", "endurance", "gitops", "random_worlds", "apiserver")

_PR_SET_PDEATHSIG = 1


class Workers:
    """The plugin."""

    def __init__(self) -> None:
        self._host: Host | None = None

    def pytest_configure(self, config: pytest.Config) -> None:
        """Let a worker die with its controller, and so do the processes that it has started."""
        if hasattr(config, "workerinput"):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    def pytest_collection_finish(self) -> None:
        """Looks for cycles seldom, and not among all that was imported and collected: that is a sixth of the CPU."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> LoadScopeScheduling:
        """Give the scheduler."""
        return Longest(config, log)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a new worker where to ask for the control plane."""
        if self._host is None:
            self._host = Host()
            self._host.start()
        node.workerinput[HOST] = self._host.address

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over what a worker went without."""
        config: pytest.Config = node.config
        output: dict[str, Any] = getattr(node, "workeroutput", {})
        config.stash.setdefault(skipped, {}).update(output.get("skipped", {}))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Tell the controller what this worker went without."""
        if (output := getattr(session.config, "workeroutput", None)) is not None:
            output["skipped"] = session.config.stash.setdefault(skipped, {})

    def pytest_unconfigure(self) -> None:
        """End what the workers shared."""
        if self._host is not None:
            self._host.stop()


class Longest(LoadScopeScheduling):  # type: ignore[misc] # it has no types
    """Hands out units of tests, the longest first, so that no worker is left with one of them at the end."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        super().__init__(config, log)
        self.workqueue = _Queue(kept(config))

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)


class _Queue(OrderedDict[str, "Mapping[str, bool]"]):
    """Units by their names; what is taken from it is the longest one."""

    def __init__(self, seconds: Mapping[str, float]) -> None:
        super().__init__()
        self._seconds = seconds

    def popitem(self, last: bool = False) -> tuple[str, Mapping[str, bool]]:  # noqa: ARG002, FBT001, FBT002 - as its base
        name = max(self, key=self._length)
        return name, self.pop(name)

    def _length(self, name: str) -> tuple[float, int]:
        folder = name.split("/")[1]
        return sum(self._seconds.get(test, 0.0) for test in self[name]), -([*FIRST, folder].index(folder))


def unit(nodeid: str) -> str:
    """Name the unit that a test belongs to: the folder, the module, or the test itself."""
    module = nodeid.partition("::")[0]
    folder = module.rpartition("/")[0]
    return nodeid if module in SPLIT else folder if folder in TOGETHER else module
