"""Helm, in both versions that people have."""

from __future__ import annotations

import pytest

from tests.components.fixtures import available
from tests.components.tools import tool

HELMS = ("helm", "helm4")


@pytest.fixture(scope="session", autouse=True)
def helms(pytestconfig: pytest.Config) -> None:
    """Build both before the first test asks for one; without Go the tests are skipped."""
    with available("Helm", pytestconfig):
        for name in HELMS:
            tool(name)


@pytest.fixture(params=HELMS)
def program(request: pytest.FixtureRequest) -> str:
    """Name Helm 3, then Helm 4."""
    name: str = request.param
    return name
