"""Unit tests need no component and no network: what asks for either fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import pytest

from tests.support.offline.sitecustomize import tried

if TYPE_CHECKING:
    from collections.abc import Generator


def _refuse() -> NoReturn:
    """Give no component."""
    pytest.fail("a unit test asks for a real component: its place is another folder of tests")


# In place of what all other tests may ask for.
control_plane = pytest.fixture(_refuse, name="control_plane")
running_mesh = pytest.fixture(_refuse, name="running_mesh")
start_prometheus = pytest.fixture(_refuse, name="start_prometheus")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None]:
    """Let no unit test speak to another machine, not even where nobody hears of the failure."""
    tried.clear()
    yield
    if tried:
        pytest.fail(f"a unit test speaks to another machine: {', '.join(tried)}")
