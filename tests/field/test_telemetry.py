"""Metrics that never see what goes wrong: HTTP codes of gRPC calls, and sidecars where there are none."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from reconcile.cli import steerer
from tests.support.paths import ROOT


@pytest.mark.parametrize(
    ("case", "words", "advice"),
    [
        ("grpc", "a gRPC call that fails has the code 200", "write istio_requests_total_grpc"),
        ("ambient", "Namespace prod has istio.io/dataplane-mode: ambient", "write istio_requests_total_waypoint"),
    ],
)
def test_lint_warns_and_names_the_metric_that_sees_it(case: str, words: str, advice: str) -> None:
    folder = str(ROOT / "tests/field/cases" / case / "in")
    found = CliRunner().invoke(steerer, ["lint", "-f", folder])
    text = " ".join(found.stdout.split())
    assert (found.exit_code, words in text, advice in text, "0 errors, 1 warning" in text) == (0, True, True, True)
    assert CliRunner().invoke(steerer, ["lint", "--strict", "-f", folder]).exit_code == 4
