"""Who wrote a field of an object."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from reconcile.model.field_managers import Writer, last_writer, owned_paths

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
    assert last_writer({"metadata": metadata}, "spec", "http") is None


@pytest.mark.parametrize(
    ("fields", "paths"),
    [
        ({"f:image": {}}, ("spec.template.image",)),
        ({".": {}, "f:a": {".": {}, "f:b": {}}}, ("spec.template.a.b",)),
        ({'k:{"name":"x"}': {".": {}, "f:image": {}}}, ("spec.template[x].image",)),
        ({'k:{"containerPort":80,"protocol":"TCP"}': {}}, ("spec.template[80,TCP]",)),
        ({'v:"x"': {}, "i:0": {}, "k:odd": {}}, ("spec.template[0]", "spec.template[odd]", 'spec.template["x"]')),
        ({}, ("spec.template",)),
        ({f"f:{key}": {} for key in "abcdefg"}, (*(f"spec.template.{key}" for key in "abcde"), "…")),
    ],
)
def test_the_paths_that_a_writer_owns(fields: Manifest, paths: tuple[str, ...]) -> None:
    own = {"manager": "kubectl-edit", "fieldsV1": {"f:spec": {"f:template": fields}}}
    other = {"manager": "kubectl-edit", "subresource": "status", "fieldsV1": {"f:status": {}}}
    manifest = {"metadata": {"managedFields": [own, other, own, None]}}
    writer = last_writer(manifest | {"metadata": {"managedFields": [own]}}, "spec", "template")
    assert writer is not None
    assert owned_paths(manifest, writer, "spec", "template") == paths
