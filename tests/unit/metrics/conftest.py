"""The server that the meter asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.metrics_server import Server, running

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def server() -> Iterator[Server]:
    with running(Server()) as server:
        yield server
