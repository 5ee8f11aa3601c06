"""Who may approve a step: what the policies of `manifests/admission` say of it."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from reconcile.model.errors import ForbiddenError
from reconcile.model.rights import Subject
from reconcile.model.rollout_manifest import parse
from reconcile.preflight.approval import BINDING, POLICY, Policy, approval, need_approval, policies, unseen
from tests.support import fast_yaml
from tests.support.paths import MANIFESTS
from tests.support.world import standard

if TYPE_CHECKING:
    from reconcile.model.kinds import Manifest
    from reconcile.model.rollout import Rollout

SHIPPED = [
    item for item in fast_yaml.load_all((MANIFESTS / "admission" / "policies.yaml").read_text(encoding="utf-8")) if item
]
GROUP = Subject(groups=("release-approvers",))
FLUX = Subject(
    user="system:serviceaccount:flux-system:flux",
    groups=("system:serviceaccounts", "system:serviceaccounts:flux-system"),
)


def of_kind(kind: Any) -> list[Manifest]:
    return [deepcopy(item) for item in SHIPPED if kind.matches(item)]


def read(condition: str = "", **binding: Any) -> tuple[Policy, ...]:
    """Reads what is shipped, with another condition of the policy and other fields of its binding."""
    found, bindings = of_kind(POLICY), of_kind(BINDING)
    if condition:
        found[-1]["spec"]["matchConditions"] = [{"name": "no-approver", "expression": condition}]
    bindings[-1]["spec"] |= binding
    return policies(found, bindings)


def rollout(*steps: dict[str, Any]) -> Rollout:
    manifest = next(item for item in standard(stepWeight=None, steps=[*steps]) if item["kind"] == "Rollout")
    return parse(manifest)


WAITING = rollout({"weight": 50, "approval": True}, {"weight": 100})


def test_what_is_shipped_names_its_group() -> None:
    assert read() == (Policy(name="steerer-approval", approvers=(GROUP,)),)


@pytest.mark.parametrize(
    ("condition", "approvers"),
    [
        ("!groups.exists(group, group in [])", ()),
        ("!groups.exists(group, group in ['a', 'b'])", (Subject(groups=("a",)), Subject(groups=("b",)))),
        (f'group in ["release-approvers"] && !(request.userInfo.username in ["{FLUX.user}"])', (GROUP, FLUX)),
        ('!(request.userInfo.username in ["anna"])', (Subject(user="anna"),)),
    ],
)
def test_whoever_a_patch_puts_there_is_read(condition: str, approvers: tuple[Subject, ...]) -> None:
    assert [policy.approvers for policy in read(condition)] == [approvers]


@pytest.mark.parametrize(
    "found",
    [read("true"), read(validationActions=["Warn"]), read(validationActions=None), read(policyName="another")],
    ids=["in other words", "warns", "does nothing", "not bound"],
)
def test_a_policy_that_keeps_nobody_from_approving_is_left_out(found: tuple[Policy, ...]) -> None:
    assert found == ()


def test_a_policy_of_some_namespaces_is_about_these() -> None:
    named = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["shop"]}
    [policy] = read(matchResources={"namespaceSelector": {"matchExpressions": [named]}})
    assert [policy.holds_in(name) for name in ("shop", "test")] == [True, False]


def test_only_a_step_that_asks_for_it_needs_an_approval() -> None:
    assert need_approval([WAITING, rollout({"weight": 50}, {"weight": 100})]) == (WAITING,)


@pytest.mark.parametrize(
    ("approvers", "may", "words"),
    [
        ((GROUP,), (), "it leaves that to group release-approvers, and RBAC lets none of them patch rollouts in test"),
        ((FLUX,), (), f"it leaves that to {FLUX.user}, and RBAC lets none of them patch rollouts in test"),
        ((), (), "it names nobody"),
        ((GROUP, FLUX), (FLUX,), None),
    ],
)
def test_an_approval_that_nobody_may_write_is_told(
    approvers: tuple[Subject, ...], may: tuple[Subject, ...], words: str | None
) -> None:
    grants = {(who, "test"): who in may for who in approvers}
    result = approval([WAITING], [Policy(name="p", approvers=approvers)], grants)
    told = [(item.level, item.object, item.path, item.message) for item in result.findings]
    said = f"waits for an approval that nobody may write by ValidatingAdmissionPolicy p: {words}"
    assert told == ([] if words is None else [("warning", str(WAITING.ref), "spec.canaryAnalysis.steps", said)])


def test_where_the_policy_does_not_hold_nothing_is_told() -> None:
    elsewhere = Policy(name="p", approvers=(GROUP,), namespaces=frozenset({"shop"}))
    result = approval([WAITING], [elsewhere], {(GROUP, "test"): False})
    assert (result.findings, result.summary) == ((), "somebody may write each that a step waits for")


def test_what_may_not_be_asked_is_information() -> None:
    [finding] = unseen(ForbiddenError("forbidden")).findings
    assert (finding.level, finding.message) == ("info", "not looked at who may approve: forbidden")
