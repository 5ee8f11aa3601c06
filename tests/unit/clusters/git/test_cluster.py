"""A live cluster and a checkout together: what is read and written where, and which objects are pending."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from reconcile.clusters.folder.cluster import FolderCluster
from reconcile.clusters.git.cluster import Checkout
from reconcile.model.errors import ClusterError, ForbiddenError, PendingError, UsageError
from reconcile.model.kinds import ROLLOUT, Scope
from reconcile.model.plan import Event, Patch
from tests.support.fakes import MemoryCluster
from tests.support.world import CS, VS, C, P, R, deployment, service, standard, virtual_service

if TYPE_CHECKING:
    from pathlib import Path

    from reconcile.model.kinds import Manifest

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
MANIFESTS = (deployment("podinfo", "1.2.0"), deployment("podinfo-canary", "1.2.1"), virtual_service())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def checkout(folder: Path, *manifests: Manifest, live: MemoryCluster | None = None) -> Checkout:
    (folder / "all.yaml").write_text(yaml.safe_dump_all(manifests))
    return Checkout(live or MemoryCluster(standard()), FolderCluster(folder), "deploy")


def test_what_is_the_same_in_both_is_the_live_object(folder: Path) -> None:
    live = MemoryCluster(standard())
    both = checkout(folder, *MANIFESTS, live=live)
    assert both.fetch([P, C, VS, CS]) == live.fetch([P, C, VS, CS])
    assert [item["kind"] for item in both.list(ROLLOUT, Scope())] == ["Rollout"]


UNAPPLIED = "the cluster has spec.http[0].route[0].weight 100, the checkout 90"


@pytest.mark.parametrize(
    ("manifests", "words"),
    [
        ((*MANIFESTS[:2], virtual_service(10)), f"{UNAPPLIED}: waiting until the cluster shows what the checkout has"),
        (MANIFESTS[:2], "it is in the cluster, and not in deploy"),
    ],
)
def test_what_is_not_the_same_is_pending(folder: Path, manifests: Any, words: str) -> None:
    found = checkout(folder, *manifests).fetch([P, VS])
    assert isinstance(found[P], dict)
    assert isinstance(found[VS], PendingError)
    assert str(found[VS]) == words


def test_what_is_in_the_checkout_alone_is_pending(folder: Path) -> None:
    live = MemoryCluster(standard()[1:])
    found = checkout(folder, *MANIFESTS, live=live).fetch([P, C])
    assert str(found[P]) == "it is in deploy, and not in the cluster yet"


def test_what_is_nowhere_or_cannot_be_read_is_for_others_to_tell(folder: Path) -> None:
    live = MemoryCluster(standard()[1:])
    live.refuse[C] = ForbiddenError("no")
    found = checkout(folder, *MANIFESTS[1:], live=live).fetch([P, C, CS])
    assert P not in found
    assert found[C] is live.refuse[C]


def test_a_checkout_without_any_of_the_objects_is_the_wrong_one(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"deploy has no manifest of Deployment podinfo\.test, Deployment podinfo-can"):
        checkout(folder, service("podinfo")).fetch([P, C])
    assert set(checkout(folder, service("podinfo")).fetch([CS])) == {CS}


def test_steps_go_to_the_checkout_and_all_else_to_the_cluster(folder: Path) -> None:
    live = MemoryCluster(standard())
    both = checkout(folder, *MANIFESTS, live=live)
    path = "/spec/http/0/route/1/weight"
    both.patch(Patch(target=VS, api_version="v1", operations=({"op": "add", "path": path, "value": 10},)))
    status = Patch(
        target=R, api_version="v1", operations=({"op": "add", "path": "/status", "value": {}},), subresource="status"
    )
    both.patch(status)
    event = Event(rollout=R, api_version="v1", uid=None, revision="v1-1", type="Normal", message="m")
    both.record(event, NOON)
    assert (live.patches, live.events) == ([status], [event])
    assert "weight: 10" in (folder / "all.yaml").read_text()
    assert isinstance(both.fetch([VS])[VS], PendingError)
    assert [path.name for path in folder.iterdir()] == ["all.yaml"]


def test_a_checkout_is_one_pass_at_a_time(folder: Path) -> None:
    both = checkout(folder, *MANIFESTS)
    with both.lock(), pytest.raises(ClusterError, match="another pass works on"), FolderCluster(folder).lock():
        pass
