"""Pointers of `promotion.keep` that lead nowhere."""

from __future__ import annotations

from reconcile.preflight.checks import FOLDER
from tests.support.world import standard
from tests.unit.preflight.examining import ANALYSIS, ROLLOUT, examined, rows_of


def test_a_pointer_to_what_neither_template_has_is_a_warning() -> None:
    pointers = ["/metadata/labels/app", "/metadata/labels/trak", "/spec/containers/0/image", "/spec/containers/1/image"]
    [found] = examined(standard(promotion={"keep": pointers}), FOLDER)
    assert rows_of([found]) == [
        (
            "keep",
            "warning",
            ROLLOUT,
            f"{ANALYSIS}.promotion.keep[{index}]",
            f"neither podinfo.test nor podinfo-canary.test has {pointers[index]}",
        )
        for index in (1, 3)
    ]


def test_what_is_kept_is_told() -> None:
    [found] = examined(standard(promotion={"keep": ["/metadata/labels/app"]}), FOLDER)
    assert [result.summary for result in found.results if result.check == "keep"] == ["/metadata/labels/app"]
