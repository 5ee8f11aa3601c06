"""A Prometheus with a few minutes of samples of a mesh, which are in `traffic`."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.components.fixtures import available
from tests.components.prometheus import PrometheusServer, openmetrics
from tests.prometheus.traffic import series

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[PrometheusServer]:
    """Returns the server of all tests here; no test changes it."""
    with ExitStack() as stack:
        with available("Prometheus", pytestconfig):
            folder = tmp_path_factory.mktemp("prometheus")
            server = stack.enter_context(PrometheusServer(folder, openmetrics=openmetrics(series())))
        yield server
