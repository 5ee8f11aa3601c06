"""GitOps tools that write the same fields as a release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.world import VS, C, P, world
from tests.unit.preflight.examining import CANARY, LIVE, PRIMARY, examined, findings_of, rows_of

if TYPE_CHECKING:
    from tests.support.world import World


def rows(w: World) -> list[tuple[str, str, str, str, str]]:
    return rows_of(examined(w.cluster, LIVE))


def test_a_gitops_tool_that_wrote_what_a_release_writes_is_named_with_the_rule_that_ends_it() -> None:
    w = world()
    w.owned("argocd-controller", ref=VS, field="http")
    w.owned("kustomize-controller", ref=P, field="template")
    w.owned("helm", ref=C, field="replicas")
    found = [(item.object, item.path, item.advice) for _, item in findings_of(examined(w.cluster, LIVE))]
    assert [row[:2] for row in found] == [
        ("VirtualService podinfo.test", "spec.http"),
        (PRIMARY, "spec.template"),
        (CANARY, "spec.replicas"),
    ]
    assert found[0][2].startswith("let argocd-controller ignore the weights (Argo CD: ignoreDifferences")
    assert found[1][2].startswith("let kustomize-controller ignore /spec/template")
    assert found[2][2] == "leave replicas out of its manifest, or let helm ignore /spec/replicas of it"


def test_anybody_else_who_wrote_them_is_no_fight() -> None:
    w = world()
    w.owned("kubectl-edit", ref=VS, field="http")
    w.owned("steerer", ref=P, field="template")
    assert rows(w) == []
