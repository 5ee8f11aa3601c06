"""A Chromium for all tests here."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.components.browser import Browser
from tests.components.fixtures import skipped
from tests.components.tools import ToolUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Browser]:
    """Returns the browser. Where this machine has none, the tests are skipped, also with `CI=true`."""
    with ExitStack() as stack:
        try:
            found = stack.enter_context(Browser(tmp_path_factory.mktemp("browser")))
        except ToolUnavailable as reason:
            pytestconfig.stash.setdefault(skipped, {})["browser"] = str(reason)
            raise pytest.skip.Exception(f"browser: {reason}") from None
        yield found
