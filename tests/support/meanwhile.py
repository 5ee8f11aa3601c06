"""What others do to a file between the read and the write of a patch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.clusters.folder import file_write, object_writes

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


def before_each_store(monkeypatch: pytest.MonkeyPatch, act: Callable[[], Any], times: int = 1) -> None:
    """Calls `act` before each of the next `times` writes of a file, after it was read."""
    original, left = file_write.store, [times]

    def store(*arguments: Any) -> bool:
        if left[0]:
            left[0] -= 1
            act()
        return original(*arguments)

    monkeypatch.setattr(object_writes, "store", store)
