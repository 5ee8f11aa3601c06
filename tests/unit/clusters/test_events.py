"""The object that an Event of a pass becomes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.clusters.events import MESSAGE_BYTES, cut, event_manifest
from reconcile.model.kinds import EVENT, ROLLOUT, Ref
from reconcile.model.plan import Event
from reconcile.model.text import printable
from reconcile.model.times import timestamp

NOON = datetime(2024, 5, 1, 12, 0, 0, 999_999, tzinfo=UTC)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def event(message: str = "Starting rollout for podinfo.test", uid: str | None = None) -> Event:
    return Event(
        rollout=Ref(ROLLOUT, "test", "podinfo"),
        api_version="apps.weave.works/v1beta1",
        uid=uid,
        revision="v1-1",
        type="Normal",
        message=message,
    )


def test_the_whole_object() -> None:
    manifest = event_manifest(event(uid="u-1"), NOON)
    assert manifest == {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": event(uid="u-1").name, "namespace": "test"},
        "involvedObject": {
            "apiVersion": "apps.weave.works/v1beta1",
            "kind": "Rollout",
            "name": "podinfo",
            "namespace": "test",
            "uid": "u-1",
        },
        "reason": "Synced",
        "message": "Starting rollout for podinfo.test",
        "source": {"component": "steerer"},
        "type": "Normal",
        "count": 1,
        "firstTimestamp": "2024-05-01T12:00:00Z",
        "lastTimestamp": "2024-05-01T12:00:00Z",
    }
    assert EVENT.matches(manifest)


def test_a_rollout_without_uid_has_none_in_its_event() -> None:
    assert "uid" not in event_manifest(event(), NOON)["involvedObject"]


def test_a_repetition_keeps_its_first_time() -> None:
    manifest = event_manifest(event(), NOON, 3, "2024-05-01T11:00:00Z")
    assert (manifest["count"], manifest["firstTimestamp"], manifest["lastTimestamp"]) == (
        3,
        "2024-05-01T11:00:00Z",
        "2024-05-01T12:00:00Z",
    )


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (NOON, "2024-05-01T12:00:00Z"),
        (datetime(2024, 5, 1, 1, tzinfo=timezone(timedelta(hours=2))), "2024-04-30T23:00:00Z"),
        (datetime(999, 1, 1, tzinfo=UTC), "0999-01-01T00:00:00Z"),
    ],
)
def test_a_timestamp_is_utc_in_whole_seconds(at: datetime, text: str) -> None:
    assert timestamp(at) == text


@pytest.mark.parametrize(
    ("message", "length"),
    [("x" * 1024, 1024), ("x" * 1025, 1024), ("é" * 512, 1024), ("é" * 513, 1023), ("x" + "🚀" * 300, 1024)],
)
def test_a_long_message_is_cut_between_two_characters(message: str, length: int) -> None:
    assert len(cut(message).encode()) == length


@settings(deadline=None)  # other processes may slow it down
@given(TEXTS.map(lambda text: text * 400))
def test_a_cut_message_fits_and_says_so(message: str) -> None:
    short = cut(message)
    assert len(short.encode()) <= MESSAGE_BYTES
    shown = printable(message)
    assert short == shown or (short.endswith("…") and shown.startswith(short[:-1]))
