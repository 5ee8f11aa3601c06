"""What all tests of this folder have in common."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Turns off the log of thousands of passes, which pytest would keep line by line."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)
