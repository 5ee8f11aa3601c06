"""What every test may ask for; the real components' fixtures live in `tests/components`."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.components.building import BuildError, build
from tests.components.fixtures import (
    control_plane,
    gateway_kinds,
    mesh,
    namespace,
    running_mesh,
    skipped,
    start_prometheus,
    verdicts,
)
from tests.components.tools import modules_of
from tests.hostile import tally
from tests.support import share
from tests.support.durations import OPTION, Durations
from tests.support.folders import programs
from tests.support.logs import restored_logging
from tests.support.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Iterator


__all__ = ["control_plane", "gateway_kinds", "mesh", "namespace", "running_mesh", "start_prometheus", "verdicts"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say in one line which real components the run went without."""
    if reasons := config.stash.get(skipped, {}):
        missing = "; ".join(f"{component} ({reason})" for component, reason in reasons.items())
        terminalreporter.write_line(f"Skipped for want of real components: {missing}", yellow=True)


def pytest_configure(config: pytest.Config) -> None:
    """Counts hostile input, shares the tests out, and lets no property depend on chance or on a fast machine."""
    share.configure(config)
    at_any_speed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile("steerer", at_any_speed, derandomize=True, max_examples=share.number(100, 2))
    settings.register_profile("random", at_any_speed)
    settings.load_profile(config.getoption("--hypothesis-profile") or "steerer")
    config.addinivalue_line("markers", f"{tally.MARK}(whose, kind): gives hostile input to the program")
    config.pluginmanager.register(tally.TALLY)
    config.pluginmanager.register(Workers())
    config.pluginmanager.register(Durations(config))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Build what the tests need that are asked for, where that shows: before there are workers, and a test."""
    config = session.config
    if hasattr(config, "workerinput") or config.getoption("collectonly") or shutil.which("go") is None:
        return
    paths = [config.invocation_params.dir / arg.partition("::")[0] for arg in config.args]
    reporter = config.pluginmanager.getplugin("terminalreporter")

    def say(line: str) -> None:
        reporter.write_line(line)
        reporter.flush()  # it is read as it goes in the log of a pipeline too

    try:
        build(modules_of(programs(paths)), say)
    except BuildError as error:
        pytest.exit(str(error), returncode=1)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `make golden` write the golden cases anew, `make steady` run the slowest tests, and others whole tables."""
    parser.addoption("--update-golden", action="store_true", help="write the expectations of the golden cases anew")
    parser.addoption(OPTION, action="store_true", help="run the third of the tests that took longest before")
    share.add_option(parser)


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Say whether expectations are to be written."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Restores the logger that a command sets up in this process."""
    with restored_logging():
        yield
