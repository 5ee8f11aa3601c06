"""The loggers of steerer, as a test found them."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def restored_logging() -> Iterator[None]:
    """Puts the logger back that a command sets up in this process: other tests read what it passes on."""
    logger = logging.getLogger("steerer")
    handlers, level, propagate = logger.handlers, logger.level, logger.propagate
    try:
        yield
    finally:
        logger.handlers, logger.propagate = handlers, propagate
        # Not the attribute: loggers below keep what they have found out about the level until it is set.
        logger.setLevel(level)
