"""The two Services: ports and selectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconcile.preflight.checks import FOLDER
from tests.support.world import PS, service, standard
from tests.unit.preflight.examining import (
    BOTH_LABELS,
    CANARY_SERVICE,
    PRIMARY_SERVICE,
    Broken,
    edited,
    examined,
    rows_of,
    standard_and,
    standard_with,
    standard_without,
)

if TYPE_CHECKING:
    from reconcile.model.kinds import Manifest

BROKEN: dict[str, Broken] = {
    "a Service that is missing": (
        standard_without(PS),
        ("services", "error", PRIMARY_SERVICE, "", f"{PRIMARY_SERVICE} is missing"),
    ),
    "a Service that is none": (
        standard_with("Service", "spec", "ports", "http"),
        ("services", "error", PRIMARY_SERVICE, "spec.ports", 'must be a list, not "http"'),
    ),
    "a Service without an HTTP port": (
        standard_and(service("podinfo-canary", port="web")),
        (
            "services",
            "error",
            CANARY_SERVICE,
            "spec.ports",
            f"{CANARY_SERVICE} has no port named http or https, but web",
        ),
    ),
    "a headless Service": (
        standard_with("Service", "spec", "clusterIP", "None"),
        (
            "services",
            "warning",
            PRIMARY_SERVICE,
            "spec.clusterIP",
            "is headless: sidecars send a request to the pod that the client chose, whatever the weights say",
        ),
    ),
    "a Service of another place": (
        standard_with("Service", "spec", {"type": "ExternalName", "externalName": "example.com"}),
        ("services", "error", PRIMARY_SERVICE, "spec.type", f"{PRIMARY_SERVICE} is of type ExternalName"),
    ),
    "a Service that misses its pods": (
        standard_with("Service", "spec", "selector", {"app": "podinf"}),
        (
            "services",
            "error",
            PRIMARY_SERVICE,
            "spec.selector",
            f"{PRIMARY_SERVICE} does not select the pods of podinfo.test",
        ),
    ),
    "a Service without a selector": (
        standard_with("Service", "spec", "selector", None),
        (
            "services",
            "warning",
            PRIMARY_SERVICE,
            "spec.selector",
            f"{PRIMARY_SERVICE} has no selector: which pods it leads to cannot be told",
        ),
    ),
    "a primary Service that leads to the canary as well": (
        edited(
            standard_with("Deployment", "spec", "template", "metadata", "labels", BOTH_LABELS, name="podinfo-canary"),
            "spec",
            "template",
            "metadata",
            "labels",
            {"app": "podinfo", "of": "podinfo"},
            kind="Deployment",
        )[:2]
        + edited(standard(), "spec", "selector", {"of": "podinfo"}, kind="Service")[2:],
        (
            "services",
            "error",
            PRIMARY_SERVICE,
            "spec.selector",
            f"{PRIMARY_SERVICE} selects the pods of podinfo-canary.test as well",
        ),
    ),
    "a canary Service that leads to the primary as well": (
        edited(
            edited(
                standard_with("Service", "spec", "selector", {"of": "podinfo"}, name="podinfo-canary"),
                "spec",
                "template",
                "metadata",
                "labels",
                BOTH_LABELS,
                kind="Deployment",
                name="podinfo-canary",
            ),
            "spec",
            "template",
            "metadata",
            "labels",
            {"app": "podinfo", "of": "podinfo"},
            kind="Deployment",
        ),
        (
            "services",
            "error",
            CANARY_SERVICE,
            "spec.selector",
            f"{CANARY_SERVICE} selects the pods of podinfo.test as well",
        ),
    ),
}


@pytest.mark.parametrize(("items", "row"), BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_found_and_nothing_else(items: list[Manifest], row: tuple[str, ...]) -> None:
    assert rows_of(examined(items, FOLDER)) == [row]
