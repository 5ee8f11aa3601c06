"""What all Rollouts share: the kinds that the API server serves, the rights of the credentials, the metrics server.

It judges the answers of the servers, and asks none itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from reconcile.core import status
from reconcile.model import rights
from reconcile.model.kinds import GRPC_ROUTE, HTTP_ROUTE, ROLLOUT, VIRTUAL_SERVICE
from reconcile.model.measurement import Answer, Failure
from reconcile.model.rights import Impact
from reconcile.preflight.findings import Finding, Level, Result, completed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconcile.model.errors import ClusterError
    from reconcile.model.kinds import Kind
    from reconcile.model.rights import Right

_LEVELS = {Impact.BLIND: Level.ERROR, Impact.HALT: Level.ERROR, Impact.SILENCE: Level.WARNING, Impact.COST: Level.INFO}
# The core group, as YAML has to write it.
EMPTY = '""'
_GATEWAY = "install the CustomResourceDefinitions of the Gateway API that your controller supports"
_INSTALL = {
    ROLLOUT: "install the resource of this version: kubectl apply -f manifests/crd.yaml",
    VIRTUAL_SERVICE: "install Istio, or its CustomResourceDefinitions",
    HTTP_ROUTE: _GATEWAY,
    GRPC_ROUTE: _GATEWAY,
}


class Served(Struct, frozen=True, kw_only=True):
    """What an API server serves: the resources of each kind, such as `rollouts` and `rollouts/status`.

    `status` are the fields of a Rollout's status that it keeps; None where it keeps all, or does not say.
    """

    resources: Mapping[Kind, frozenset[str]] = field(default_factory=dict)
    status: frozenset[str] | None = None


def resources(served: Served) -> Result:
    """Returns which kinds are missing, or older than this program."""
    names = [kind.plural for kind in served.resources]
    return completed("resources", _resources(served), lambda: f"{', '.join(names[:-1])} and {names[-1]} are served")


def _resources(served: Served) -> Iterator[Finding]:
    for kind in served.resources:
        advice = _INSTALL[kind]
        what = f"CustomResourceDefinition {kind.plural}.{kind.group}"
        if kind.plural not in served.resources[kind]:
            message = f"the API server has no {kind.plural}.{kind.group}"
            yield Finding(level=Level.ERROR, object=what, message=message, advice=advice)
        elif kind == ROLLOUT and f"{kind.plural}/status" not in served.resources[kind]:
            message = "has no status subresource: no pass could store where a release stands"
            yield Finding(level=Level.ERROR, object=what, path="spec.versions", message=message, advice=advice)
        elif kind == ROLLOUT and served.status is not None and (dropped := sorted({*status.FIELDS} - served.status)):
            message = f"is older than this steerer: the API server would drop status.{', status.'.join(dropped)}"
            yield Finding(level=Level.ERROR, object=what, path="spec.versions", message=message, advice=advice)


def granted_rights(answers: Mapping[tuple[Right, str | None], bool | ClusterError]) -> Result:
    """Returns which rights are missing, with the rule that grants each. The namespace None means all of them."""
    namespaces = sorted({where or "" for _, where in answers})
    seen = f"all that a pass needs, in {', '.join(filter(None, namespaces)) or 'all namespaces'}"
    return completed("rights", _missing_rights(answers), lambda: seen)


def _missing_rights(answers: Mapping[tuple[Right, str | None], bool | ClusterError]) -> Iterator[Finding]:
    errors = sorted({str(answer) for answer in answers.values() if not isinstance(answer, bool)})
    if errors:
        yield Finding(level=Level.WARNING, object="SelfSubjectAccessReview", message=errors[0])
    for (right, namespace), answer in answers.items():
        if answer is False:
            yield _missing_right(right, namespace)


def _missing_right(right: Right, namespace: str | None) -> Finding:
    group = f".{right.kind.group}" if right.kind.group else ""
    where = f"in namespace {namespace}" if namespace else "in all namespaces"
    role = f"Role of namespace {namespace}" if namespace else "ClusterRole"
    return Finding(
        level=_LEVELS[right.impact],
        object=role,
        message=f"cannot {right.verb} {right.resource}{group} {where}: {right.without}",
        advice=f"add to it: {_rule(rights.rules([right])[0])}",
    )


def _rule(rule: dict[str, Any]) -> str:
    """Returns a rule as one line of YAML, ready to be pasted."""
    parts = (f"{key}: [{', '.join(item or EMPTY for item in values)}]" for key, values in rule.items())
    return f"{{{', '.join(parts)}}}"


def unseen_selectors(errors: Mapping[str, ClusterError]) -> Result:
    """Returns which kinds of objects that may select pods cannot be read: they are not looked at."""
    message = f"not looked at, because they cannot be listed: {next(iter(errors.values()))}"
    found = Finding(level=Level.INFO, object=", ".join(errors), message=message)
    return Result(check="selectors", findings=(found,))


def metrics_server(answer: Answer) -> Result:
    """Returns whether the metrics server answers, from its answer to any question."""
    failed = answer.failure not in {None, Failure.NO_DATA, Failure.NOT_A_NUMBER}
    problem = Finding(level=Level.ERROR, object="metrics server", message=answer.detail)
    return completed("metrics server", [problem] if failed else [], lambda: "answers")
