"""How long each test took in the last run that it was part of, and the slowest third of all tests.

A plugin of pytest. The seconds are kept in pytest's own cache; `--slowest-third` runs no other tests than those.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

KEPT = "steerer/durations"
OPTION = "--slowest-third"


class Durations:
    """The plugin."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._only_slowest = bool(config.getoption(OPTION))
        self._is_worker = hasattr(config, "workerinput")
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out what is not among the slowest third, if so asked."""
        if not self._only_slowest:
            return
        chosen = set(slowest_third(kept(config)))
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in chosen])
        items[:] = [item for item in items if item.nodeid in chosen]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up what a test takes: with its fixtures, as far as they were made for it."""
        self._seconds[report.nodeid] += report.duration

    def pytest_sessionfinish(self) -> None:
        """Keep it."""
        kept_at_all = self._config.pluginmanager.hasplugin("cacheprovider")
        if kept_at_all and self._seconds and not (self._is_worker or self._only_slowest):
            took = {test: round(seconds, 2) for test, seconds in self._seconds.items()}
            self._config.cache.set(KEPT, kept(self._config) | took)


def kept(config: pytest.Config) -> dict[str, float]:
    """Give the seconds that each test took, as far as they are known."""
    if not config.pluginmanager.hasplugin("cacheprovider"):
        return {}
    found: dict[str, float] = config.cache.get(KEPT, {})
    return found


def slowest_third(seconds: dict[str, float]) -> list[str]:
    """Give the third of the tests that takes longest, the slowest first."""
    return sorted(seconds, key=lambda test: (-seconds[test], test))[: len(seconds) // 3]
