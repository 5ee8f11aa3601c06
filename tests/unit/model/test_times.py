"""Points in time, as Kubernetes writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from reconcile.model.times import parse_time


def test_times_are_in_utc_whatever_they_are_written_in() -> None:
    noon = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
    assert parse_time("2026-01-31T12:00:00Z") == noon
    assert parse_time("2026-01-31T14:00:00+02:00") == noon
    assert parse_time("2026-01-31T12:00:00") == noon
    assert parse_time("2026-01-31T12:00:00.5Z") == noon.replace(microsecond=500_000)


@pytest.mark.parametrize("value", [None, "", "yesterday", 12, {}, "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+01:00"])
def test_times_that_are_none(value: Any) -> None:
    assert parse_time(value) is None
