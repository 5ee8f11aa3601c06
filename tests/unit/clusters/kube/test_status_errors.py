"""Which error a status code means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconcile.model.errors import (
    ClusterError,
    ForbiddenError,
    LostRaceError,
    MissingError,
    RefusedError,
    UnreachableError,
)
from reconcile.model.kinds import DEPLOYMENT, ROLLOUT, Ref, Scope
from reconcile.model.plan import Patch
from tests.unit.clusters.kube.api_server import SECRET, ApiServer, Reply, status, unserved

if TYPE_CHECKING:
    from reconcile.clusters.kube.cluster import KubeCluster


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (status(409, "the object has been modified"), LostRaceError, "modified"),
        (status(422, "the server rejected our request due to an error in our request"), LostRaceError, "no longer"),
        (status(422, "Rollout x is invalid: spec.a: too long", name="x", causes=[{}]), RefusedError, "too long"),
        (status(422, "ValidatingAdmissionPolicy 'p' denied request: no"), RefusedError, "denied request: no"),
        (status(400, "invalid JSON patch"), RefusedError, "invalid JSON patch"),
        (status(413, "too large"), RefusedError, "too large"),
        (status(403, 'admission webhook "a.b" denied the request: no'), RefusedError, "denied the request: no"),
        (status(409, 'admission webhook "a.b" denied the request: no'), RefusedError, "denied the request: no"),
        (status(403, 'deployments.apps "x" is forbidden: exceeded quota'), RefusedError, "exceeded quota"),
        (status(404, 'deployments.apps "x" not found', name="x"), MissingError, "not found"),
        (status(504, "timeout"), UnreachableError, "504"),
        (
            status(403, 'x is forbidden: User "me" cannot patch resource "rollouts/status" in API group "g"'),
            ForbiddenError,
            r'grant verbs \["patch"\] on resources \["rollouts/status"\] of apiGroups \["apps.weave.works"\] to me$',
        ),
        (unserved(), MissingError, "the API has no Rollout in apps.weave.works/v1beta1"),
    ],
)
def test_what_an_answer_to_a_patch_means(
    api: ApiServer, cluster: KubeCluster, reply: Reply, error: type[ClusterError], words: str
) -> None:
    api.answer = lambda _: reply
    patch = Patch(
        target=Ref(ROLLOUT, "test", "podinfo"),
        api_version="apps.weave.works/v1beta1",
        operations=({"op": "test", "path": "/a", "value": 1},),
        subresource="status",
    )

    with pytest.raises(error, match=words) as caught:
        cluster.patch(patch)

    assert type(caught.value).__mro__[:2].count(error) == 1


def test_a_list_without_a_right_names_the_rule_to_add(api: ApiServer, cluster: KubeCluster) -> None:
    api.answer = lambda _: status(
        403,
        'deployments.apps is forbidden: User "system:serviceaccount:ops:steerer" cannot list resource "deployments" '
        'in API group "apps" in the namespace "test"',
        kind="deployments",
    )

    with pytest.raises(ForbiddenError) as caught:
        cluster.list(DEPLOYMENT, Scope(namespace="test"))

    assert str(caught.value) == (
        'forbidden: cannot list deployments.apps in namespace test: grant verbs ["list"] on resources ["deployments"] '
        'of apiGroups ["apps"] to system:serviceaccount:ops:steerer'
    )


def test_credentials_that_are_not_accepted(api: ApiServer, cluster: KubeCluster) -> None:
    api.answer = lambda _: status(401, "Unauthorized")

    with pytest.raises(ForbiddenError, match="log in again") as caught:
        cluster.list(DEPLOYMENT, Scope())

    assert SECRET not in str(caught.value)
