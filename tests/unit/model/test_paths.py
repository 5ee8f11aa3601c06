"""Where a value stands in a manifest."""

from __future__ import annotations

from reconcile.model.paths import from_pointer, value_at


def test_members_are_found_by_their_pointers() -> None:
    manifest = {"spec": {"http": [{"a/b": 1, "0": 2}]}}
    assert value_at(manifest, from_pointer("/spec/http/0/a~1b")) == 1
    assert value_at(manifest, from_pointer("/spec/http/0/0")) == 2
    assert value_at(manifest, from_pointer("/spec/http/1")) is None
    assert value_at(manifest, from_pointer("/spec/http/a")) is None
    assert value_at(manifest, from_pointer("/spec/x/y")) is None
