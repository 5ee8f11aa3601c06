"""A patch in one phrase."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconcile.model.kinds import DEPLOYMENT, VIRTUAL_SERVICE
from reconcile.report.patch_summary import summarize
from tests.unit.report import factory

if TYPE_CHECKING:
    from reconcile.model.plan import Operation

WHOLE = {"destination": {"host": "podinfo-canary"}}


def test_weights_are_told_by_host() -> None:
    assert summarize(factory.route_patch(40, 50)) == "podinfo 60 → 50, podinfo-canary 40 → 50"


def test_what_is_the_same_in_several_routes_is_told_once() -> None:
    assert summarize(factory.route_patch(40, 50, routes=3)) == (
        "podinfo 60 → 50 (in 3 routes), podinfo-canary 40 → 50 (in 3 routes)"
    )


def test_a_weight_that_was_absent_has_no_before() -> None:
    patch = factory.patch(
        VIRTUAL_SERVICE,
        factory.test_of("/spec/http/0/route/1", WHOLE),
        factory.add_of("/spec/http/0/route/1/weight", 10),
    )

    assert summarize(patch) == "podinfo-canary → 10"


def test_a_template_names_the_images_that_change() -> None:
    def template(*images: str) -> dict[str, Any]:
        containers = [{"name": f"c{index}", "image": image} for index, image in enumerate(images)]
        return {"spec": {"containers": containers}}

    patch = factory.patch(
        DEPLOYMENT,
        factory.test_of("/spec/template", template("podinfo:1", "proxy:1")),
        factory.add_of("/spec/template", template("podinfo:2", "proxy:1", "new:1")),
    )

    assert summarize(patch) == "pod template (c0 podinfo:1 → podinfo:2)"


def test_a_status_patch_is_the_status() -> None:
    assert summarize(factory.status_patch(phase="Progressing")) == "status"


@pytest.mark.parametrize(
    ("operations", "words"),
    [
        ([factory.add_of("/spec/template", {"spec": {}})], "pod template"),
        ([factory.test_of("/spec/replicas", 2), factory.add_of("/spec/replicas", 0)], "replicas 2 → 0"),
        ([factory.add_of("/spec/replicas", 3)], "replicas → 3"),
        ([factory.add_of("/spec/http/0/route/1/weight", 10)], "/spec/http/0/route/1/weight → 10"),
        ([{"op": "replace", "path": "/metadata/labels/a", "value": "x"}], "/metadata/labels/a → x"),
        ([{"op": "remove", "path": "/spec/paused"}], "remove /spec/paused"),
        ([factory.add_of("/x", {"a": ["b"] * 40})], "/x → " + '{"a": ["b"' + ', "b"' * 9 + ', "b…'),
        ([factory.test_of("/x", 1)], "no change"),
        ([], "no change"),
    ],
)
def test_other_changes(operations: list[Operation], words: str) -> None:
    assert summarize(factory.patch(DEPLOYMENT, *operations)) == words
