"""Who wrote a field of an object."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from reconcile.model.field_managers import Writer, last_writer

if TYPE_CHECKING:
    from reconcile.model.kinds import Manifest


def entry(manager: str, time: str | None, fields: Any) -> Manifest:
    return {"manager": manager, "fieldsV1": fields} | ({"time": time} if time else {})


HTTP: Manifest = {"f:spec": {"f:http": {}}}


def test_the_last_writer_is_the_youngest_that_owns_the_field() -> None:
    entries = [
        entry("old", "2026-01-31T11:00:00Z", HTTP),
        entry("young", "2026-01-31T12:00:00Z", {"f:spec": {"f:http": {"more": {}}}}),
        entry("status", "2026-01-31T13:00:00Z", {"f:status": {}}),
        entry("elsewhere", "2026-01-31T13:00:00Z", {"f:spec": {"f:hosts": {}}}),
        "no entry",
        entry("odd", "2026-01-31T13:00:00Z", "no fields"),
    ]
    found = last_writer({"metadata": {"managedFields": entries}}, "spec", "http")
    assert found == Writer(manager="young", at=datetime(2026, 1, 31, 12, 0, tzinfo=UTC))


def test_an_entry_without_a_time_is_the_oldest() -> None:
    entries = [entry("timeless", None, HTTP), entry("dated", "2020-01-01T00:00:00Z", HTTP)]
    found = last_writer({"metadata": {"managedFields": entries}}, "spec", "http")
    assert found is not None
    assert found.manager == "dated"


@pytest.mark.parametrize("metadata", [None, {}, {"managedFields": None}, {"managedFields": {}}])
def test_nobody_is_recorded(metadata: Any) -> None:
    assert last_writer({"metadata": metadata}, "spec", "http") is None
