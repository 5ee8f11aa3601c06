"""What a person asks for, as a patch: which Rollout and revision are meant, and on what the patch relies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconcile.engine.action_request import Found, annotate, find, revision_meant
from reconcile.engine.selection import Selection
from reconcile.model import objects
from reconcile.model.actions import Action
from reconcile.model.errors import (
    ClusterError,
    ForbiddenError,
    LostRaceError,
    MissingError,
    RefusedError,
    UsageError,
)
from reconcile.model.kinds import DEPLOYMENT, ROLLOUT, Ref
from tests.support.fakes import MemoryCluster
from tests.support.world import standard

if TYPE_CHECKING:
    from reconcile.model.kinds import Kind, Manifest, Scope

NAMESPACE = "test"
ROLLOUT_REF, CANARY = Ref(ROLLOUT, NAMESPACE, "podinfo"), Ref(DEPLOYMENT, NAMESPACE, "podinfo-canary")
PODINFO = Selection(namespaces=(NAMESPACE,), names=("podinfo",))
NOTE = {"team": "shop"}


@pytest.fixture
def cluster() -> MemoryCluster:
    return MemoryCluster(standard())


def found(cluster: MemoryCluster) -> Found:
    return find(cluster, PODINFO)


def revision(cluster: MemoryCluster) -> str:
    return objects.deployment(cluster.objects[CANARY]).revision


def noted(cluster: MemoryCluster) -> Any:
    return cluster.objects[ROLLOUT_REF]["metadata"].get("annotations")


def ask(cluster: MemoryCluster, read: Found, **wanted: str | None) -> None:
    patch = annotate(read, {Action(name): value for name, value in wanted.items()})
    assert patch is not None
    cluster.patch(patch)


# Which Rollout, which revision.


def test_a_rollout_that_does_not_exist_is_told_with_the_namespace(cluster: MemoryCluster) -> None:
    with pytest.raises(UsageError, match="no Rollout other in namespace test"):
        find(cluster, Selection(namespaces=(NAMESPACE,), names=("other",)))


def test_a_name_that_several_namespaces_have_is_refused(cluster: MemoryCluster) -> None:
    double: Manifest = {**cluster.objects[ROLLOUT_REF], "metadata": {"name": "podinfo", "namespace": "shop"}}
    cluster.put(double)
    with pytest.raises(
        UsageError, match=r"several Rollouts podinfo \(in the namespaces shop, test\): name one of them"
    ):
        find(cluster, Selection(names=("podinfo",)))


def test_a_namespace_that_cannot_be_listed_is_an_error_although_another_can() -> None:
    class Half(MemoryCluster):
        def list(self, kind: Kind, scope: Scope) -> list[Manifest]:
            if scope.namespace == "secret":
                raise ForbiddenError("forbidden: cannot list rollouts in namespace secret")
            return super().list(kind, scope)

    with pytest.raises(ForbiddenError, match="secret"):
        find(Half(standard()), Selection(namespaces=(NAMESPACE, "secret"), names=("podinfo",)))


def test_the_revision_is_that_of_the_canary_as_it_is_now(cluster: MemoryCluster) -> None:
    assert revision_meant(cluster, found(cluster).rollout) == revision(cluster)
    assert revision_meant(cluster, found(cluster).rollout, revision(cluster)) == revision(cluster)


def test_a_revision_that_the_canary_no_longer_has_is_refused(cluster: MemoryCluster) -> None:
    before = revision(cluster)
    cluster.edit(CANARY, "spec", "template", "spec", "containers", 0, "image", "podinfo:3")
    with pytest.raises(RefusedError, match=f"has moved on: it has revision {revision(cluster)}, and not {before}"):
        revision_meant(cluster, found(cluster).rollout, before)


def test_a_revision_that_an_upgrade_of_the_server_named_anew_is_still_the_same(cluster: MemoryCluster) -> None:
    metadata = cluster.objects[CANARY]["metadata"]
    record = {"canaryUID": metadata["uid"], "canaryGeneration": metadata["generation"]}
    cluster.edit(ROLLOUT_REF, "status", {"phase": "Progressing", "canaryRevision": "v1-before-the-upgrade", **record})
    assert revision_meant(cluster, found(cluster).rollout, "v1-before-the-upgrade") == revision(cluster)


def test_an_invalid_analysis_does_not_keep_anybody_from_asking(cluster: MemoryCluster) -> None:
    cluster.edit(ROLLOUT_REF, "spec", "canaryAnalysis", "stepWeight", 0)
    assert found(cluster).rollout.spec is None
    assert revision_meant(cluster, found(cluster).rollout) == revision(cluster)


@pytest.mark.parametrize(
    ("broken", "error", "said"),
    [
        (lambda cluster: cluster.objects.pop(CANARY), MissingError, "podinfo-canary.test is missing, which Rollout"),
        (
            lambda cluster: cluster.refuse.update({CANARY: ForbiddenError("forbidden: cannot get deployments")}),
            ForbiddenError,
            "cannot get deployments",
        ),
        (
            lambda cluster: cluster.edit(CANARY, "spec", "template", None),
            RefusedError,
            "Deployment podinfo-canary.test cannot be used: spec.template",
        ),
        (
            lambda cluster: cluster.edit(ROLLOUT_REF, "spec", "canary", None),
            RefusedError,
            "names no canary: spec.canary.name",
        ),
    ],
    ids=["missing", "forbidden", "invalid", "not named"],
)
def test_a_canary_without_a_revision_is_told_by_what_is_wrong_with_it(
    cluster: MemoryCluster, broken: Any, error: type[ClusterError], said: str
) -> None:
    broken(cluster)
    with pytest.raises(error, match=said):
        revision_meant(cluster, found(cluster).rollout)


# The patch.


def test_an_annotation_is_added_beside_others(cluster: MemoryCluster) -> None:
    cluster.edit(ROLLOUT_REF, "metadata", "annotations", NOTE)
    ask(cluster, found(cluster), abort="v1-a")
    assert noted(cluster) == {**NOTE, "apps.weave.works/abort": "v1-a"}


def test_the_first_annotation_is_added(cluster: MemoryCluster) -> None:
    ask(cluster, found(cluster), pause="*")
    assert noted(cluster) == {"apps.weave.works/pause": "*"}


def test_an_annotation_is_removed_and_another_one_added_at_once(cluster: MemoryCluster) -> None:
    ask(cluster, found(cluster), abort="v1-a")
    ask(cluster, found(cluster), abort=None, retry="v1-a/1")
    assert noted(cluster) == {"apps.weave.works/retry": "v1-a/1"}


def test_what_is_asked_for_already_and_what_is_not_there_to_be_removed_need_no_patch(cluster: MemoryCluster) -> None:
    assert annotate(found(cluster), {Action.PAUSE: None}) is None
    ask(cluster, found(cluster), pause="v1-a")
    assert annotate(found(cluster), {Action.PAUSE: "v1-a", Action.ABORT: None}) is None


def test_annotations_that_somebody_changed_meanwhile_refuse_it(cluster: MemoryCluster) -> None:
    cluster.edit(ROLLOUT_REF, "metadata", "annotations", NOTE)
    read = found(cluster)
    ask(cluster, read, pause="v1-a")
    with pytest.raises(LostRaceError):
        ask(cluster, read, abort="v1-a")
    assert noted(cluster) == {**NOTE, "apps.weave.works/pause": "v1-a"}


def test_the_first_annotation_of_another_person_refuses_it(cluster: MemoryCluster) -> None:
    read = found(cluster)
    ask(cluster, read, pause="v1-a")
    with pytest.raises(LostRaceError):
        ask(cluster, read, abort="v1-a")
    assert noted(cluster) == {"apps.weave.works/pause": "v1-a"}


def test_another_spec_refuses_it_because_it_may_name_another_canary(cluster: MemoryCluster) -> None:
    cluster.edit(ROLLOUT_REF, "metadata", "annotations", NOTE)
    read = found(cluster)
    cluster.edit(ROLLOUT_REF, "spec", "canary", "name", "podinfo-next")
    with pytest.raises(LostRaceError):
        ask(cluster, read, abort="v1-a")


def test_a_pass_that_writes_the_status_meanwhile_does_not_refuse_it(cluster: MemoryCluster) -> None:
    cluster.edit(ROLLOUT_REF, "metadata", "annotations", NOTE)
    read = found(cluster)
    cluster.edit(ROLLOUT_REF, "status", {"phase": "Progressing"})
    ask(cluster, read, abort="v1-a")
    assert noted(cluster)["apps.weave.works/abort"] == "v1-a"


def test_where_nothing_has_a_version_the_annotation_is_added_all_the_same() -> None:
    cluster = MemoryCluster(standard(), versioned=False)
    ask(cluster, found(cluster), promote="v1-a")
    assert noted(cluster) == {"apps.weave.works/promote": "v1-a"}
