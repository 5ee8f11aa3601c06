"""A parsed object as the API server would return it."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from reconcile.clusters.folder.cluster import FolderCluster
from reconcile.model.errors import MissingError
from reconcile.model.kinds import AUTOSCALER, ENDPOINT_SLICE, SERVICE, Scope
from tests.unit.clusters.folder.manifests import ALL, names, write

if TYPE_CHECKING:
    from pathlib import Path


def test_a_manifest_is_plain_and_without_what_nobody_keeps(tmp_path: Path) -> None:
    write(
        tmp_path / "x.yaml",
        dedent("""\
            apiVersion: v1
            kind: Service
            metadata:
              name: podinfo
              uid: 6f1d
              resourceVersion: "12"
              creationTimestamp: 2024-05-01T12:00:00Z
              generation: 3
              managedFields: [{manager: helm, time: "2024-05-01T12:00:00Z"}]
              labels: &l {a: x}
            spec: {selector: *l, ratio: 0.5, on: yes, none: ~}
        """),
    )
    (manifest,) = FolderCluster(tmp_path).list(SERVICE, ALL)
    assert manifest == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "podinfo",
            "namespace": "default",
            "creationTimestamp": "2024-05-01T12:00:00Z",
            "generation": 3,
            "managedFields": [{"manager": "helm", "time": "2024-05-01T12:00:00Z"}],
            "labels": {"a": "x"},
        },
        "spec": {"selector": {"a": "x"}, "ratio": 0.5, "true": True, "none": None},
    }
    assert list(manifest) == ["apiVersion", "kind", "metadata", "spec"]


def test_any_version_of_a_kind_is_of_the_kind(tmp_path: Path) -> None:
    write(tmp_path / "x.yaml", "apiVersion: autoscaling/v2beta2\nkind: HorizontalPodAutoscaler\nmetadata: {name: x}\n")
    assert names(FolderCluster(tmp_path), AUTOSCALER) == ["x.default"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"metadata.name": "a"}, ["a.default"]),
        ({"spec.type": "ClusterIP", "spec.b": "false"}, ["b.default"]),
        ({"spec.count": "1", "spec.absent": "", "spec.items.0": ""}, ["a.default", "b.default"]),
        ({"spec.type": "NodePort"}, []),
    ],
)
def test_field_selectors(tmp_path: Path, fields: dict[str, str], expected: list[str]) -> None:
    text = "apiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec: {type: ClusterIP, count: 1, b: %s, items: [1]}\n"
    write(tmp_path / "x.yaml", text % ("a", "true") + "---\n" + text % ("b", "false"))
    assert names(FolderCluster(tmp_path), scope=Scope(fields=fields)) == expected


def test_label_selectors(tmp_path: Path) -> None:
    text = "apiVersion: v1\nkind: Service\nmetadata: {name: %s, labels: %s}\n"
    write(
        tmp_path / "x.yaml", "---\n".join(text % pair for pair in (("a", "{x: one, z: two}"), ("b", "[]"), ("c", "{}")))
    )
    for labels, expected in (({"x": "one"}, ["a.default"]), ({"x": "one", "z": "one"}, []), ({"none": "one"}, [])):
        assert names(FolderCluster(tmp_path), SERVICE, Scope(labels=labels)) == expected


def test_a_folder_has_nothing_that_only_controllers_make(tmp_path: Path) -> None:
    text = "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: x}\nendpoints: []\n"
    write(tmp_path / "x.yaml", text)
    with pytest.raises(MissingError, match="a folder has no endpointslices: a controller of the cluster makes them"):
        FolderCluster(tmp_path).list(ENDPOINT_SLICE, Scope())
