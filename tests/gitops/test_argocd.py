"""Argo CD's own comparison and Git: what the shipped Applications leave to steerer, and what of Git still arrives."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from reconcile.core.routers import ROUTERS
from reconcile.model.kinds import HTTP_ROUTE, VIRTUAL_SERVICE
from tests.apiserver.steering import ARTIFACTS, Metrics, started
from tests.apiserver.test_release import rich
from tests.gitops.shipped import ARGOCD, named
from tests.support import fast_yaml
from tests.support.gateway_routes import http_route, rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconcile.model.kinds import Kind
    from tests.apiserver.steering import Steerer
    from tests.components.controlplane import ControlPlane
    from tests.components.verdicts import Verdicts

Manifest = dict[str, Any]
WORKLOADS, ROUTES = (named(ARGOCD / "applications.yaml", name, "Application") for name in ("podinfo", "podinfo-routes"))
RESPECT = "RespectIgnoreDifferences=true"


def artifact(name: str) -> Manifest:
    manifest: Manifest = fast_yaml.load((ARTIFACTS / "workloads" / f"{name}.yaml").read_text())
    return manifest


def copied(manifest: Manifest) -> Manifest:
    copy: Manifest = json.loads(json.dumps(manifest))
    return copy


def option(application: Manifest, *options: str) -> Manifest:
    """Give an Application with other sync options."""
    copy = copied(application)
    copy["spec"]["syncPolicy"]["syncOptions"] = list(options)
    return copy


@pytest.fixture(name="compared")
def compare(verdicts: Verdicts, argocd: str) -> Callable[[Manifest, Manifest, Manifest], Manifest]:
    """Give a function that lets Argo CD compare Git with the cluster, for an Application."""

    def compared(application: Manifest, git: Manifest, live: Manifest) -> Manifest:
        asked = {"application": application, "git": git, "live": live, "namespace": argocd}
        [answer] = verdicts.ask("argocd-diff", asked)
        found: Manifest = answer
        return found

    return compared


def weighed(virtual_service: Manifest, canary: int) -> Manifest:
    """Give the VirtualService with these weights in every route that has both."""
    copy = copied(virtual_service)
    for route in copy["spec"]["http"]:
        for item in route.get("route", ()):
            if "weight" in item:
                to_canary = item["destination"]["host"].startswith("podinfo-canary")
                item["weight"] = canary if to_canary else 100 - canary
    return copy


def with_timeout(virtual_service: Manifest) -> Manifest:
    copy = copied(virtual_service)
    copy["spec"]["http"][0]["timeout"] = "5s"
    return copy


def with_other_routes(virtual_service: Manifest) -> Manifest:
    """Give the VirtualService beside its weights all that Istio allows, routes without destinations included."""
    copy = rich(copied(virtual_service))
    moved = {"match": [{"uri": {"prefix": "/old"}}], "redirect": {"uri": "/new"}}
    delegated = {"match": [{"uri": {"prefix": "/team"}}], "delegate": {"name": "team"}}
    copy["spec"]["http"] = [moved, delegated, *copy["spec"]["http"]]
    return copy


def test_weights_alone_are_no_difference(compared: Callable[..., Manifest]) -> None:
    for git in (artifact("virtual-service"), with_other_routes(artifact("virtual-service"))):
        live = weighed(git, 30)
        assert live != git
        assert compared(ROUTES, git, live)["outOfSync"] is False
        assert compared(option(ROUTES) | {"spec": {**ROUTES["spec"], "ignoreDifferences": []}}, git, live)["outOfSync"]


def test_the_expression_without_question_marks_ignores_nothing_beside_a_redirect(
    compared: Callable[..., Manifest],
) -> None:
    other = copied(ROUTES)
    other["spec"]["ignoreDifferences"][0]["jqPathExpressions"] = [".spec.http[].route[].weight"]
    plain = artifact("virtual-service")
    assert compared(other, plain, weighed(plain, 30))["outOfSync"] is False
    git = with_other_routes(plain)
    assert compared(other, git, weighed(git, 30))["outOfSync"] is True


@pytest.mark.usefixtures("gateway_kinds")
@pytest.mark.parametrize("kind", [VIRTUAL_SERVICE, HTTP_ROUTE], ids=lambda kind: kind.name)
def test_the_expression_that_a_pass_advises_ignores_the_weights_beside_a_redirect(
    compared: Callable[..., Manifest], kind: Kind
) -> None:
    git, live = (of_kind(kind, weight) for weight in (0, 30))
    [path] = re.findall(r"jqPathExpressions ([^,]+),", ROUTERS[kind].ignoring)
    other = copied(ROUTES)
    ignored = {"group": kind.group, "kind": kind.name, "jqPathExpressions": [path]}
    for rules, expected in (([ignored], False), ([], True)):
        other["spec"]["ignoreDifferences"] = rules
        assert compared(other, git, live)["outOfSync"] is expected


def of_kind(kind: Kind, canary: int) -> Manifest:
    """Give a route of this kind with a weight, behind one that redirects."""
    if kind == VIRTUAL_SERVICE:
        return weighed(with_other_routes(artifact("virtual-service")), canary)
    moved = {"type": "RequestRedirect", "requestRedirect": {"hostname": "new.example"}}
    return http_route({"filters": [moved]}, rule(canary))


def test_a_change_of_a_route_in_git_arrives_and_brings_gits_weights(compared: Callable[..., Manifest]) -> None:
    plain = artifact("virtual-service")
    git, live = with_timeout(plain), weighed(plain, 30)
    found = compared(ROUTES, git, live)
    assert (found["outOfSync"], found["sent"]["spec"]) == (True, git["spec"])


def test_with_respect_for_what_is_ignored_no_change_of_a_route_would_arrive(compared: Callable[..., Manifest]) -> None:
    plain = artifact("virtual-service")
    git, live = with_timeout(plain), weighed(plain, 30)
    found = compared(option(ROUTES, RESPECT), git, live)
    assert (found["outOfSync"], found["sent"]["spec"]) == (True, live["spec"])
    assert compared(option(ROUTES, RESPECT), git, found["sent"])["outOfSync"], "it stays out of sync"


def promoted(deployment: Manifest) -> Manifest:
    copy = copied(deployment)
    copy["spec"]["template"]["spec"]["containers"][0]["image"] = "quay.io/stefanprodan/podinfo:1.2.2"
    return copy


def test_a_change_of_the_primary_in_git_arrives_and_leaves_the_promoted_template(
    compared: Callable[..., Manifest],
) -> None:
    plain = artifact("deployment")
    live, git = promoted(plain), copied(plain)
    assert compared(WORKLOADS, plain, live)["outOfSync"] is False
    git["spec"]["replicas"] = 5
    found = compared(WORKLOADS, git, live)
    assert found["outOfSync"] is True
    assert found["sent"]["spec"] == git["spec"] | {"template": live["spec"]["template"]}


def test_without_respect_such_a_change_would_put_back_gits_template(compared: Callable[..., Manifest]) -> None:
    plain = artifact("deployment")
    git = copied(plain)
    git["spec"]["replicas"] = 5
    found = compared(option(WORKLOADS), git, promoted(plain))
    assert found["sent"]["spec"]["template"] == plain["spec"]["template"]


def test_an_action_that_git_does_not_have_is_no_difference_and_is_not_taken_away(
    compared: Callable[..., Manifest],
) -> None:
    git: Manifest = fast_yaml.load((ARTIFACTS / "rollouts" / "podinfo.yaml").read_text())
    live = copied(git)
    live["metadata"]["annotations"] = {"apps.weave.works/abort": "v1-9a4985b40905cc50aaf8"}
    found = compared(WORKLOADS, git, live)
    assert found["outOfSync"] is False
    assert "apps.weave.works/abort" not in str(found["sent"])  # what is applied names it neither with a value nor null


# --- And then a pass ---


@pytest.fixture(name="halfway")
def a_release_under_way(control_plane: ControlPlane) -> Iterator[Steerer]:
    with Metrics().serving() as metrics:
        yield started(control_plane, metrics, 50, step=50)


def test_gits_weights_that_a_sync_brought_are_restored_by_the_next_pass(
    control_plane: ControlPlane, halfway: Steerer, compared: Callable[..., Manifest]
) -> None:
    def stored() -> Manifest:
        text = control_plane.kubectl("get", "virtualservice/podinfo", "-o", "json", namespace=halfway.namespace)
        found: Manifest = json.loads(text)
        return found

    git = with_timeout(artifact("virtual-service"))
    git["metadata"]["namespace"] = halfway.namespace
    sent = compared(ROUTES, git, stored())["sent"]
    apply = ("apply", "--field-manager=argocd-controller", "--filename=-")
    control_plane.kubectl(*apply, stdin=json.dumps(sent))
    assert [item["weight"] for item in stored()["spec"]["http"][0]["route"]] == [100, 0]

    restored = halfway.passes().record

    assert (restored["move"], restored["after"]["weight"]) == ("restore", 50)
    assert [event["message"] for event in restored["events"] if "argocd-controller" in event["message"]]
    [route] = stored()["spec"]["http"]
    assert ([item["weight"] for item in route["route"]], route["timeout"]) == ([50, 50], "5s")
    assert compared(ROUTES, git, stored())["outOfSync"] is False
