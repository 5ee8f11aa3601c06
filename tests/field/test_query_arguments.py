"""Arguments in the address of the metrics server, such as the namespace of a tenant: they go along with each query."""

from __future__ import annotations

from click.testing import CliRunner, Result

from reconcile.cli import steerer
from tests.support.metrics_server import Server, running
from tests.support.paths import ROOT

CASES = ROOT / "tests/field/cases"


def plan(case: str, url: str) -> Result:
    return CliRunner().invoke(steerer, ["plan", "-f", str(CASES / case / "in"), "--metrics-server", url])


def test_the_namespace_of_a_tenant_is_no_fault() -> None:
    assert plan("query-arguments", "https://thanos-querier.openshift-monitoring:9092?namespace=prod").exit_code == 0


def test_the_namespace_of_a_tenant_goes_along_with_each_query() -> None:
    with running(Server()) as server:
        assert plan("partial-answer", f"{server.url}?namespace=prod").exit_code == 0
        assert {path for path, _, _ in server.requests} == {"/api/v1/query?namespace=prod"}
