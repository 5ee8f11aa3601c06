"""What all Rollouts share: kinds that are missing or old, rights that are missing, files that hold something else."""

from __future__ import annotations

import pytest

from reconcile.core.status import FIELDS
from reconcile.model import rights
from reconcile.model.errors import ForbiddenError, UnreachableError
from reconcile.model.kinds import ROLLOUT, VIRTUAL_SERVICE
from reconcile.model.measurement import Answer, Failure
from reconcile.preflight.findings import Level, Result, count_levels
from reconcile.preflight.installed import Served, granted_rights, metrics_server, resources, unseen_selectors

ALL = {
    ROLLOUT: frozenset({"rollouts", "rollouts/status"}),
    VIRTUAL_SERVICE: frozenset({"virtualservices", "virtualservices/status"}),
}


def messages(result: Result) -> list[tuple[str, str, str]]:
    return [(str(item.level), item.object, item.message) for item in result.findings]


@pytest.mark.parametrize("status", [None, frozenset(FIELDS)])
def test_a_server_that_serves_all_is_well(status: frozenset[str] | None) -> None:
    assert messages(resources(Served(resources=ALL, status=status))) == []


def test_kinds_that_are_missing_are_named() -> None:
    result = resources(Served(resources=dict.fromkeys(ALL, frozenset())))
    assert messages(result) == [
        (
            "error",
            "CustomResourceDefinition rollouts.apps.weave.works",
            "the API server has no rollouts.apps.weave.works",
        ),
        (
            "error",
            "CustomResourceDefinition virtualservices.networking.istio.io",
            "the API server has no virtualservices.networking.istio.io",
        ),
    ]
    assert "kubectl apply -f manifests/crd.yaml" in result.findings[0].advice
    assert result.level is Level.ERROR


def test_a_definition_without_a_status_is_an_error() -> None:
    [(level, _, message)] = messages(resources(Served(resources=ALL | {ROLLOUT: frozenset({"rollouts"})})))
    assert (level, message) == ("error", "has no status subresource: no pass could store where a release stands")


def test_a_definition_that_drops_a_field_is_an_error_that_names_it() -> None:
    fields = frozenset(FIELDS) - {"canaryReplicas", "canaryUID"}
    [(level, _, message)] = messages(resources(Served(resources=ALL, status=fields)))
    assert level == "error"
    assert message.endswith("the API server would drop status.canaryReplicas, status.canaryUID")
    assert len(messages(resources(Served(resources=ALL, status=frozenset())))) == 1


def test_all_rights_are_no_finding() -> None:
    result = granted_rights({(right, "test"): True for right in rights.PASS})
    assert (result.findings, result.summary) == ((), "all that a pass needs, in test")
    assert (
        granted_rights({(right, None): True for right in rights.PASS}).summary
        == "all that a pass needs, in all namespaces"
    )


def test_each_right_that_is_missing_is_named_with_the_rule_that_grants_it() -> None:
    result = granted_rights({(right, "test"): False for right in rights.PASS})
    assert len(result.findings) == len(rights.PASS)
    for right, finding in zip(rights.PASS, result.findings, strict=True):
        assert finding.object == "Role of namespace test"
        assert f"cannot {right.verb} {right.resource}" in finding.message
        assert finding.message.endswith(f"in namespace test: {right.without}")
    assert {item.level for item in result.findings} == {Level.ERROR, Level.WARNING, Level.INFO}


@pytest.mark.parametrize(
    ("resource", "verb", "where", "told"),
    [
        (
            "rollouts/status",
            "patch",
            "test",
            (
                "Role of namespace test",
                "add to it: {apiGroups: [apps.weave.works], resources: [rollouts/status], verbs: [patch]}",
            ),
        ),
        (
            "deployments",
            "get",
            None,
            ("ClusterRole", "add to it: {apiGroups: [apps], resources: [deployments], verbs: [get]}"),
        ),
        (
            "events",
            "create",
            None,
            ("ClusterRole", 'add to it: {apiGroups: [""], resources: [events], verbs: [create]}'),
        ),
    ],
)
def test_the_rule_can_be_pasted(resource: str, verb: str, where: str | None, told: tuple[str, str]) -> None:
    right = next(item for item in rights.PASS if (item.resource, item.verb) == (resource, verb))
    [finding] = granted_rights({(right, where): False}).findings
    assert (finding.object, finding.advice) == told


def test_rights_that_cannot_be_asked_are_one_warning() -> None:
    error = UnreachableError("no answer")
    assert messages(granted_rights({(right, "test"): error for right in rights.PASS})) == [
        ("warning", "SelfSubjectAccessReview", "no answer")
    ]


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (Answer(value=1.0), []),
        (Answer(failure=Failure.NO_DATA), []),
        (
            Answer(failure=Failure.UNREACHABLE, detail="Connection refused"),
            [("error", "metrics server", "Connection refused")],
        ),
    ],
)
def test_a_server_answers_or_not(answer: Answer, found: list[tuple[str, str, str]]) -> None:
    assert messages(metrics_server(answer)) == found


def test_levels_are_counted() -> None:
    result = granted_rights({(right, "test"): False for right in rights.PASS})
    assert sum(count_levels([result]).values()) == len(rights.PASS)
    assert count_levels([]) == {}
    assert Result(check="none").level is None


def test_what_may_select_pods_and_cannot_be_listed_is_said_once() -> None:
    result = unseen_selectors({"NetworkPolicy": ForbiddenError("no"), "Sidecar": ForbiddenError("never")})
    [finding] = result.findings
    assert (finding.level, finding.object) == (Level.INFO, "NetworkPolicy, Sidecar")
    assert finding.message == "not looked at, because they cannot be listed: no"
