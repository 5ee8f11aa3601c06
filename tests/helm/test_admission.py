"""The admission policies of the chart, on a real API server: what users, approvers and steerer's account may write."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.apiserver.steering import Steerer, apply, get, install
from tests.components.processes import wait_for
from tests.helm.installed import decisions, new_namespace
from tests.helm.rendering import HelmError, rendered

if TYPE_CHECKING:
    from pathlib import Path

    from tests.components.controlplane import ControlPlane
    from tests.helm.installed import Installed

PREFIX = "apps.weave.works/"
DEPLOYMENTS, ROLLOUTS = "apis/apps/v1", "apis/apps.weave.works/v1beta1"
IMAGE = {"spec": {"template": {"spec": {"containers": [{"name": "podinfod", "image": "podinfo:by-hand"}]}}}}


@dataclass(frozen=True, kw_only=True)
class Person:
    """A service account with all rights in one namespace. Its group is that of the namespace of the account."""

    plane: ControlPlane
    home: str
    shop: str
    token: str

    @property
    def name(self) -> str:
        """Its user name."""
        return f"system:serviceaccount:{self.home}:person"

    @property
    def group(self) -> str:
        """The group of all accounts of its namespace."""
        return f"system:serviceaccounts:{self.home}"

    def patch(self, kind: str, name: str, change: dict[str, Any], *, query: str = "") -> tuple[int, str, list[str]]:
        """Sends a patch; returns the status code, the message, and the warnings."""
        base = DEPLOYMENTS if kind == "deployments" else ROLLOUTS
        response = self.plane.request(
            "PATCH",
            f"/{base}/namespaces/{self.shop}/{kind}/{name}{query}",
            body=change,
            token=self.token,
            content_type=f"application/{'strategic-' if kind == 'deployments' else ''}merge-patch+json",
        )
        warnings = [value for key, value in response.headers.items() if key.lower() == "warning"]
        return response.status_code, str(response.json().get("message", "")), warnings

    def annotate(self, kind: str, name: str, **annotations: str | None) -> tuple[int, str, list[str]]:
        """Sets annotations of steerer's prefix; None removes one."""
        change = {"metadata": {"annotations": {PREFIX + key: value for key, value in annotations.items()}}}
        return self.patch(kind, name, change)

    @property
    def steerer(self) -> Steerer:
        """The program with its credentials."""
        return Steerer(kubeconfig=self.plane.kubeconfig_for(self.token, namespace=self.shop))


def person(plane: ControlPlane, shop: str) -> Person:
    """Creates a service account in a namespace of its own."""
    home = new_namespace(plane)
    group = "rbac.authorization.k8s.io"
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": f"person-{uuid4().hex[:8]}", "namespace": shop},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "person", "namespace": home}],
    }
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "person", "namespace": home}}
    apply(plane, account, binding)
    return Person(plane=plane, home=home, shop=shop, token=plane.account_token(home, "person"))


@pytest.fixture
def shop(installed: Installed) -> str:
    """Returns a namespace with the example."""
    namespace = new_namespace(installed.plane)
    install(installed.plane, namespace, stepWeight=100)
    return namespace


@pytest.fixture
def user(installed: Installed, shop: str) -> Person:
    return person(installed.plane, shop)


def guarded(installed: Installed, shop: str, user: Person, **values: str) -> None:
    """Installs the policy of primaries, and waits until it is in force."""
    installed.values(shop, **{f"admission.primary.{key}": value for key, value in values.items()})

    def in_force() -> bool:
        code, _, warnings = user.patch("deployments", "podinfo", IMAGE, query="?dryRun=All")
        return code == 403 or bool(warnings)

    wait_for(in_force, "the policy to be in force")


def approvable(installed: Installed, shop: str, user: Person, approvers: str, **more: str) -> None:
    """Installs the policy of approvals, and waits until it is in force."""
    installed.values(shop, **{"admission.approval.groups": f"{{{approvers}}}", **more})
    change = {"metadata": {"annotations": {f"{PREFIX}promote": "v1-a"}}}
    wait_for(
        lambda: user.patch("rollouts", "podinfo", change, query="?dryRun=All")[0] == 403, "the policy to be in force"
    )


def image(plane: ControlPlane, shop: str, name: str = "podinfo") -> str:
    [container] = get(plane, f"deployment/{name}", shop)["spec"]["template"]["spec"]["containers"]
    return str(container["image"])


# The pod template of a primary.


def test_steerer_promotes_and_others_are_refused_by_a_sentence(installed: Installed, shop: str, user: Person) -> None:
    guarded(installed, shop, user, action="Deny")
    before = image(installed.plane, shop)
    code, message, _ = user.patch("deployments", "podinfo", IMAGE)
    assert (code, image(installed.plane, shop)) == (403, before)
    assert message.partition("denied request: ")[2] == (
        "Deployment podinfo is the primary of Rollout podinfo: its pod template is changed by steerer alone, not by "
        f"{user.name}. Release a new version through the canary, Deployment podinfo-canary; in an emergency annotate "
        "Deployment podinfo with apps.weave.works/emergency, and say why in its value"
    )

    moves = []
    for _ in range(5):
        done = installed.job()
        assert done.code == 0, done.err
        moves += [line["move"] for line in decisions(done, shop)]
        installed.later(shop)
    assert moves == ["start", "promote", "conclude", "retire", "idle"]
    assert image(installed.plane, shop) == image(installed.plane, shop, "podinfo-canary") != before


@pytest.mark.parametrize(
    "change",
    [
        {"spec": {"replicas": 3}},
        {"metadata": {"labels": {"team": "shop"}}},
        {"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}}}},
    ],
    ids=["replicas", "labels of its own", "a restart"],
)
def test_what_is_no_other_template_is_everybodys(
    installed: Installed, shop: str, user: Person, change: dict[str, Any]
) -> None:
    guarded(installed, shop, user, action="Deny")
    assert user.patch("deployments", "podinfo", change)[0] == 200


@pytest.mark.parametrize("part", ["labels", "annotations"])
def test_the_metadata_of_the_pods_is_a_part_of_the_template(
    installed: Installed, shop: str, user: Person, part: str
) -> None:
    old = {"spec": {"template": {"metadata": {part: {"old": "1"}}}}}
    installed.plane.patch("deployment/podinfo", shop, old)
    guarded(installed, shop, user, action="Deny")
    for value in ("2", None):
        change = {"spec": {"template": {"metadata": {part: {"old": value}}}}}
        assert user.patch("deployments", "podinfo", change)[0] == 403
    assert user.patch("deployments", "podinfo", {"spec": {"template": {"metadata": {part: {"new": "1"}}}}})[0] == 403


def test_only_primaries_of_the_own_namespace_are_guarded(installed: Installed, shop: str, user: Person) -> None:
    plane, other = installed.plane, new_namespace(installed.plane)
    install(plane, other, stepWeight=100)
    plane.delete("rollout/podinfo", other)
    guarded(installed, shop, user, action="Deny")
    installed.values(shop, other, **{"admission.primary.action": "Deny"})
    assert user.patch("deployments", "podinfo-canary", IMAGE)[0] == 200
    stranger = person(plane, other)
    assert stranger.patch("deployments", "podinfo", IMAGE)[0] == 200  # no Rollout names it


def test_an_emergency_gets_through_and_is_on_the_audit_log(installed: Installed, shop: str, user: Person) -> None:
    guarded(installed, shop, user, action="Deny")
    mark = installed.plane.mark()
    assert user.annotate("deployments", "podinfo", emergency="INC-42: the canary's registry is down")[0] == 200
    assert user.patch("deployments", "podinfo", IMAGE)[0] == 200
    assert image(installed.plane, shop) == "podinfo:by-hand"

    entries = installed.plane.requests_since(mark, namespace=shop)
    [told] = [value for entry in entries for key, value in entry.annotations.items() if key.endswith("/emergency")]
    assert told == (
        f"{user.name} changed the pod template of Deployment podinfo, the primary of Rollout podinfo: "
        "INC-42: the canary's registry is down"
    )
    assert user.annotate("deployments", "podinfo", emergency=None)[0] == 200
    other = {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 7}}}}
    assert user.patch("deployments", "podinfo", other)[0] == 403


def test_a_warning_refuses_nothing(installed: Installed, shop: str, user: Person) -> None:
    guarded(installed, shop, user, action="Warn")
    code, _, [warning] = user.patch("deployments", "podinfo", IMAGE)
    assert (code, image(installed.plane, shop)) == (200, "podinfo:by-hand")
    assert (
        "Deployment podinfo is the primary of Rollout podinfo: its pod template is changed by steerer alone" in warning
    )


@pytest.mark.parametrize("way", ["accounts", "groups"])
def test_others_may_by_a_value(installed: Installed, shop: str, user: Person, way: str) -> None:
    tool = person(installed.plane, shop)
    named = tool.name if way == "accounts" else tool.group
    guarded(installed, shop, user, action="Deny", **{way: f"{{{named}}}"})
    assert tool.patch("deployments", "podinfo", IMAGE)[0] == 200
    other = {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 7}}}}
    assert user.patch("deployments", "podinfo", other)[0] == 403


# The annotations of approvers.


def test_approvers_write_the_two_annotations_and_others_are_refused_by_a_sentence(
    installed: Installed, shop: str, user: Person
) -> None:
    approver = person(installed.plane, shop)
    approvable(installed, shop, user, approver.group)
    code, message, _ = user.annotate("rollouts", "podinfo", approve="v1-a")
    assert code == 403
    assert message.partition("denied request: ")[2] == (
        f"the annotation apps.weave.works/approve of Rollout podinfo is written by members of {approver.group} alone, "
        f"and {user.name} is none: ask one of them to approve it"
    )
    assert approver.annotate("rollouts", "podinfo", approve="v1-a", promote="v1-a")[0] == 200
    for change in ({"approve": "v1-b"}, {"promote": None}, {"promote": "v1-b"}):
        assert user.annotate("rollouts", "podinfo", **change)[0] == 403


def test_others_keep_the_annotations_and_write_all_else(installed: Installed, shop: str, user: Person) -> None:
    approver = person(installed.plane, shop)
    approvable(installed, shop, user, approver.group)
    assert approver.annotate("rollouts", "podinfo", approve="v1-a")[0] == 200
    assert user.annotate("rollouts", "podinfo", abort="v1-a", pause="*")[0] == 200
    assert user.patch("rollouts", "podinfo", {"spec": {"canaryAnalysis": {"stepWeight": 5}}})[0] == 200
    done = installed.job()  # steerer's account is no approver, and writes the status
    assert done.code == 0, done.err
    stored = get(installed.plane, "rollout/podinfo", shop)
    assert (stored["metadata"]["annotations"][f"{PREFIX}approve"], "status" in stored) == ("v1-a", True)


def test_a_new_rollout_brings_no_approval_of_others(installed: Installed, shop: str, user: Person) -> None:
    approver = person(installed.plane, shop)
    approvable(installed, shop, user, approver.group)
    spec = get(installed.plane, "rollout/podinfo", shop)["spec"]
    body = {"apiVersion": "apps.weave.works/v1beta1", "kind": "Rollout", "spec": spec}
    path = f"/{ROLLOUTS}/namespaces/{shop}/rollouts"
    codes = [
        installed.plane.request(
            "POST",
            path,
            body={**body, "metadata": {"name": f"new-{number}", "annotations": annotations}},
            token=who.token,
        ).status_code
        for number, (who, annotations) in enumerate(
            [(user, {f"{PREFIX}promote": "v1-a"}), (user, {}), (approver, {f"{PREFIX}promote": "v1-a"})]
        )
    ]
    assert codes == [403, 201, 201]


def test_the_account_of_a_tool_may_bring_them_from_git(installed: Installed, shop: str, user: Person) -> None:
    approver, tool = person(installed.plane, shop), person(installed.plane, shop)
    approvable(installed, shop, user, approver.group, **{"admission.approval.accounts": f"{{{tool.name}}}"})
    assert tool.annotate("rollouts", "podinfo", approve="v1-a")[0] == 200


def test_the_command_says_who_may_approve(installed: Installed, shop: str, user: Person) -> None:
    approver = person(installed.plane, shop)
    approvable(installed, shop, user, approver.group)
    done = user.steerer("approve", "podinfo", expect=4)
    assert f"is written by members of {approver.group} alone" in done.err
    assert approver.steerer("approve", "podinfo").out.startswith(f"podinfo.{shop}  approve of revision v1-")
    assert user.steerer("abort", "podinfo").code == 0


# What the values make.


def test_both_policies_are_off_by_default_and_on_by_a_value_each() -> None:
    def policies(*values: str) -> list[str]:
        sets = [word for value in values for word in ("--set", value)]
        return [item["metadata"]["name"] for item in rendered(*sets) if item["kind"] == "ValidatingAdmissionPolicy"]

    assert policies() == []
    assert policies("admission.primary.action=Warn") == ["steerer-primary"]
    assert policies("admission.approval.groups={approvers}") == ["steerer-approval"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["admission.primary.action=Refuse"], "/admission/primary/action': value must be one of"),
        (["admission.primary.accounts={a}"], "admission.primary: accounts or groups are given and no action"),
        (["admission.approval.accounts={a}"], "admission.approval: accounts are given and no groups"),
    ],
)
def test_values_that_would_guard_nothing_are_refused(values: list[str], said: str) -> None:
    with pytest.raises(HelmError) as refused:
        rendered(*(word for value in values for word in ("--set", value)))
    assert said in str(refused.value)


def test_a_cluster_without_such_policies_is_told(program: str) -> None:
    with pytest.raises(HelmError, match=r"needs Kubernetes 1\.30 or later, this is v1\.29\.0"):
        rendered("--set", "admission.primary.action=Deny", "--kube-version=1.29.0", program=program)


def test_an_approval_that_nobody_may_write_is_found_before_a_release(
    installed: Installed, shop: str, user: Person
) -> None:
    plane = installed.plane
    approvable(installed, shop, user, "release-approvers")
    steps = {"stepWeight": None, "maxWeight": None, "steps": [{"weight": 50, "approval": True}, {"weight": 100}]}
    plane.patch("rollout/podinfo", shop, {"spec": {"canaryAnalysis": steps}})

    def told(kubeconfig: Path) -> list[tuple[str, str]]:
        done = Steerer(kubeconfig=kubeconfig, namespace=shop)("check", "-n", shop, "-o", "json", expect=None)
        found = [item for item in json.loads(done.out)["results"] if item["check"] == "approval"]
        return [(one["level"], one["message"]) for item in found for one in item["findings"]]

    [(level, message)] = told(plane.kubeconfig)
    assert level == "warning"
    assert message.endswith(f"group release-approvers, and RBAC lets none of them patch rollouts in {shop}")
    # Who may not ask is told so.
    [(level, message)] = told(plane.kubeconfig_for(user.token, namespace=shop))
    assert (level, message.partition(":")[0]) == ("info", "not looked at who may approve")
    plane.kubectl("create", "role", "rollouts", "--verb=patch", "--resource=rollouts.apps.weave.works", namespace=shop)
    plane.kubectl("create", "rolebinding", "people", "--role=rollouts", "--group=release-approvers", namespace=shop)
    plane.await_rights()
    assert told(plane.kubeconfig) == []
