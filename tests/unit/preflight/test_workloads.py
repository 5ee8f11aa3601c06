"""The two Deployments, as far as their manifests tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconcile.preflight.checks import FOLDER
from tests.support.world import C, P
from tests.unit.preflight.examining import (
    BOTH_LABELS,
    CANARY,
    PRIMARY,
    YES,
    Broken,
    edited,
    examined,
    rows_of,
    standard_with,
    standard_without,
)

if TYPE_CHECKING:
    from reconcile.model.kinds import Manifest

BROKEN: dict[str, Broken] = {
    "a primary that is missing": (
        standard_without(P),
        ("deployments", "error", PRIMARY, "", f"{PRIMARY} is missing"),
    ),
    "a canary that is missing": (
        standard_without(C),
        ("deployments", "error", CANARY, "", f"{CANARY} is missing"),
    ),
    "a Deployment that is none": (
        standard_with("Deployment", "spec", "replicas", "two"),
        ("deployments", "error", PRIMARY, "spec.replicas", 'must be an integer, not "two"'),
    ),
    "a selector that misses its own template": (
        standard_with("Deployment", "spec", "selector", "matchLabels", {"app": "podinf"}),
        ("deployments", "error", PRIMARY, "spec.selector", f"{PRIMARY} does not select the pods of its own template"),
    ),
    "a selector that is empty": (
        standard_with("Deployment", "spec", "selector", {}),
        ("deployments", "error", PRIMARY, "spec.selector", f"{PRIMARY} does not select the pods of its own template"),
    ),
    "a primary that selects the canary's pods": (
        edited(
            standard_with(
                "Deployment", "spec", "selector", {"matchExpressions": [{"key": "app", "operator": "Exists"}]}
            ),
            "spec",
            "template",
            "metadata",
            "labels",
            BOTH_LABELS,
            kind="Deployment",
            name="podinfo-canary",
        ),
        (
            "deployments",
            "warning",
            PRIMARY,
            "spec.selector",
            f"{PRIMARY} selects the pods of podinfo-canary.test as well",
        ),
    ),
    "a canary that selects the primary's pods": (
        standard_with(
            "Deployment",
            "spec",
            "selector",
            {"matchExpressions": [{"key": "app", "operator": "In", "values": ["podinfo", "podinfo-canary"]}]},
            name="podinfo-canary",
        ),
        ("deployments", "warning", CANARY, "spec.selector", f"{CANARY} selects the pods of podinfo.test as well"),
    ),
    "a primary that is paused": (
        standard_with("Deployment", "spec", "paused", YES),
        ("primary", "error", PRIMARY, "spec.paused", f"{PRIMARY} is paused"),
    ),
    "a primary without pods": (
        standard_with("Deployment", "spec", "replicas", 0),
        ("primary", "error", PRIMARY, "spec.replicas", f"{PRIMARY} is scaled to 0 replicas"),
    ),
    "a canary that is paused": (
        standard_with("Deployment", "spec", "paused", YES, name="podinfo-canary"),
        ("canary", "error", CANARY, "spec.paused", f"{CANARY} is paused"),
    ),
}


@pytest.mark.parametrize(("items", "row"), BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_found_and_nothing_else(items: list[Manifest], row: tuple[str, ...]) -> None:
    assert rows_of(examined(items, FOLDER)) == [row]
