"""Who may approve a step: the policy of `manifests/admission` names them, and RBAC has to let one of them write.

It judges what was read of an API server, and asks none itself.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from reconcile.model.actions import Action
from reconcile.model.kinds import Kind
from reconcile.model.rights import Subject
from reconcile.preflight.findings import Finding, Level, Result, completed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconcile.model.errors import ClusterError
    from reconcile.model.kinds import Manifest
    from reconcile.model.rollout import Rollout

_GROUP = "admissionregistration.k8s.io"
POLICY = Kind(name="ValidatingAdmissionPolicy", plural="validatingadmissionpolicies", group=_GROUP, versions=("v1",))
BINDING = Kind(
    name="ValidatingAdmissionPolicyBinding", plural="validatingadmissionpolicybindings", group=_GROUP, versions=("v1",)
)
# As the expression of the policy has them, also where a patch has put others there.
_GROUPS, _USERS = re.compile(r"group in \[(.*?)\]"), re.compile(r"username in \[(.*?)\]")
_NAME = re.compile(r"""["'](.*?)["']""")
_ACCOUNT = re.compile("system:serviceaccount:([^:]+):[^:]+")
_LABEL = "kubernetes.io/metadata.name"


class Policy(Struct, frozen=True, kw_only=True):
    """A policy about approvals that is bound. `namespaces` is None where it holds in all of them."""

    name: str
    approvers: tuple[Subject, ...]
    namespaces: frozenset[str] | None = None

    def holds_in(self, namespace: str) -> bool:
        """Returns whether it is about the Rollouts of a namespace."""
        return self.namespaces is None or namespace in self.namespaces


def need_approval(rollouts: Iterable[Rollout]) -> tuple[Rollout, ...]:
    """Returns the Rollouts with a step that a person has to approve."""
    return tuple(item for item in rollouts if any(step.approval for step in item.draft.steps.listed))


def policies(found: Iterable[Manifest], bindings: Iterable[Manifest]) -> tuple[Policy, ...]:
    """Returns the policies that leave approvals to some, as far as a binding makes them hold."""
    bound = {binding["spec"].get("policyName"): binding["spec"] for binding in bindings if _denies(binding["spec"])}
    return tuple(
        Policy(name=name, approvers=approvers, namespaces=_namespaces(bound[name]))
        for manifest in found
        if (name := manifest["metadata"]["name"]) in bound and (approvers := _approvers(manifest["spec"])) is not None
    )


def _denies(spec: Mapping[str, Any]) -> bool:
    return "Deny" in (spec.get("validationActions") or ())


def _namespaces(spec: Mapping[str, Any]) -> frozenset[str] | None:
    """Returns the namespaces that a binding names, as the chart writes it."""
    selector = (spec.get("matchResources") or {}).get("namespaceSelector") or {}
    named = [
        frozenset(item["values"])
        for item in selector.get("matchExpressions") or ()
        if (item["key"], item["operator"]) == (_LABEL, "In")
    ]
    return named[0] if named else None


def _approvers(spec: Mapping[str, Any]) -> tuple[Subject, ...] | None:
    """Returns whom a policy leaves approvals to; None where it is about something else, or in other words."""
    text = " ".join(str(item.get("expression")) for item in spec.get("matchConditions") or ())
    groups, users = _GROUPS.search(text), _USERS.search(text)
    if Action.APPROVE.annotation not in json.dumps(spec.get("validations")) or not (groups or users):
        return None
    of_users = (Subject(user=name, groups=_groups_of(name)) for name in _names(users))
    return (*(Subject(groups=(name,)) for name in _names(groups)), *of_users)


def _names(found: re.Match[str] | None) -> list[str]:
    return _NAME.findall(found[1]) if found else []


def _groups_of(user: str) -> tuple[str, ...]:
    """Returns the groups of a service account; of other users they are not known."""
    account = _ACCOUNT.fullmatch(user)
    return ("system:serviceaccounts", f"system:serviceaccounts:{account[1]}") if account else ()


def approval(
    rollouts: Iterable[Rollout], found: Iterable[Policy], grants: Mapping[tuple[Subject, str], bool]
) -> Result:
    """Returns which approvals nobody may write. `grants`: who may write Rollouts in which namespace."""
    nobodys = [
        _nobody(rollout, policy)
        for rollout in rollouts
        for policy in found
        if policy.holds_in(rollout.ref.namespace)
        and not any(grants[who, rollout.ref.namespace] for who in policy.approvers)
    ]
    return completed("approval", nobodys, lambda: "somebody may write each that a step waits for")


def unseen(error: ClusterError) -> Result:
    """Returns that it could not be looked at, such as with the rights of a pass alone."""
    finding = Finding(level=Level.INFO, object=POLICY.name, message=f"not looked at who may approve: {error}")
    return Result(check="approval", findings=(finding,))


def _nobody(rollout: Rollout, policy: Policy) -> Finding:
    names, namespace = ", ".join(map(str, policy.approvers)), rollout.ref.namespace
    lacking = f"it leaves that to {names}, and RBAC lets none of them patch rollouts in {namespace}"
    why = lacking if names else "it names nobody"
    return Finding(
        level=Level.WARNING,
        object=str(rollout.ref),
        path="spec.canaryAnalysis.steps",
        message=f"waits for an approval that nobody may write by {POLICY.name} {policy.name}: {why}",
        advice="bind one to a role that may, such as that of actionRole.create of the chart",
    )
