"""Copies of manifests."""

from __future__ import annotations

from typing import Any

from reconcile.model.copies import copy_of


def test_a_copy_is_equal_and_shares_nothing_that_can_be_changed() -> None:
    ports = [{"port": 80}]
    manifest: dict[str, Any] = {"spec": {"ports": ports, "again": ports}, "empty": [], "none": None, "number": 1.5}
    copy = copy_of(manifest)
    assert copy == manifest
    copy["spec"]["ports"][0]["port"] = 81
    assert manifest["spec"]["ports"] == copy["spec"]["again"] == [{"port": 80}]
