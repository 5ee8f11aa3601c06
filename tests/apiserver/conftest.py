"""What several modules of this folder ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.apiserver.steering import Metrics

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def metrics() -> Iterator[Metrics]:
    """Yields a metrics server with good values."""
    with Metrics().serving() as serving:
        yield serving
