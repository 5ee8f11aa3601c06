"""The paths at which two templates differ."""

from __future__ import annotations

from typing import Any

import pytest

from reconcile.model.template_diff import changed_paths

APP = {"name": "app", "image": "a:1", "ports": [{"containerPort": 80}]}


def of(*containers: Any, **spec: Any) -> dict[str, Any]:
    return {"spec": {"containers": list(containers), **spec}}


@pytest.mark.parametrize(
    ("old", "new", "paths"),
    [
        (of(APP), of(APP, x=None, y=[], z={}), []),
        (of(APP), of(APP | {"image": "a:2"}), ["spec.template.spec.containers[app].image"]),
        (of(APP), of({"name": "proxy"}, APP), ["spec.template.spec.containers[proxy]"]),
        (of(APP), of(), ["spec.template.spec"]),
        (
            of(APP),
            of(APP | {"ports": [{"containerPort": 81}]}),
            [f"spec.template.spec.containers[app].ports[{port}]" for port in (80, 81)],
        ),
        (of(APP, args=["a", "b"]), of(APP, args=["a", "c"]), ["spec.template.spec.args[1]"]),
        (of(APP, x=1), of(APP, x={"y": 1}), ["spec.template.spec.x"]),
        ({"metadata": {"labels": {"a": "b"}}}, {}, ["spec.template.metadata"]),
    ],
)
def test_each_difference_has_its_path(old: Any, new: Any, paths: list[str]) -> None:
    assert changed_paths(old, new) == paths
