"""The folder that the commands are tried on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.program import example

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The example, rolled out."""
    return example(tmp_path / "manifests")
