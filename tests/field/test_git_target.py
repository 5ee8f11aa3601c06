"""Git as the target, where admission changes what is applied: the wait has an end, and what to write is told."""

from __future__ import annotations

import shutil
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconcile.clusters.folder.cluster import FolderCluster
from reconcile.clusters.git.cluster import KEPT_IN_GIT, Checkout
from reconcile.engine.one_pass import Pass
from reconcile.engine.selection import Selection
from reconcile.model.kinds import DEPLOYMENT, Ref, Scope
from reconcile.model.settings import Settings
from reconcile.model.times import timestamp
from reconcile.simulation.deployment_controller import DeploymentController
from tests.support import fast_yaml
from tests.support.fakes import FixedMeter, MemoryCluster
from tests.support.world import METRICS, SUCCESS

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconcile.model.kinds import Manifest
    from reconcile.model.plan import Plan

CASE = Path(__file__).parent / "cases" / "git-target-admission"
P, C = Ref(DEPLOYMENT, "prod", "shop"), Ref(DEPLOYMENT, "prod", "shop-canary")
OWNER = "policy.example.com/owner"
TOOL = "kustomize-controller"


def as_autopilot(_: Ref, template: Any) -> None:
    """Raises what is requested, as GKE Autopilot does."""
    for container in template["spec"]["containers"]:
        least = {"cpu": "250m", "memory": "512Mi", "ephemeral-storage": "1Gi"}
        container["resources"] = {"requests": dict(least), "limits": dict(least)}


def with_more_memory(ref: Ref, template: Any) -> None:
    """Raises what the primary's pods of the new image request."""
    [container] = template["spec"]["containers"]
    if ref == P and container["image"].endswith(":1.1.0"):
        container["resources"]["requests"]["memory"] = "1Gi"


def with_an_owner(ref: Ref, template: Any) -> None:
    """Gives the primary's pods a label, as a policy does that knows nothing of canaries."""
    if ref == P:
        template["metadata"]["labels"][OWNER] = "shop"


@dataclass(kw_only=True)
class Site:
    """A checkout, a cluster with its objects, and a tool that applies one to the other past a webhook."""

    folder: Path
    webhook: Callable[[Ref, Any], None]
    live: MemoryCluster = field(init=False)
    now: datetime = datetime(2026, 1, 31, 12, tzinfo=UTC)
    plans: list[Plan] = field(default_factory=list)

    def __post_init__(self) -> None:
        documents = (CASE / "live" / "app.yaml").read_text(encoding="utf-8")
        self.live = MemoryCluster(fast_yaml.load_all(documents))

    @property
    def manifests(self) -> FolderCluster:
        """The checkout, read anew as each run of a pipeline does."""
        return FolderCluster(self.folder)

    def run_pass(self) -> Plan:
        """Makes a pass; the tool applies what it wrote, pods roll out, and a minute goes by."""
        cluster = Checkout(self.live, self.manifests, "deploy")
        settings = Settings(interval=60.0, metrics=METRICS, gitops_managers=(), appliers=(TOOL,))
        one = Pass(
            cluster=cluster,
            meter=FixedMeter(**{SUCCESS: 100.0}),
            settings=settings,
            selection=Selection(),
            now=lambda: self.now,
            adapt=cluster.adapt,
        )
        [record] = one.run()
        self.plans.append(record.plan)
        self.apply()
        self.now += timedelta(minutes=1)
        return record.plan

    def apply(self) -> None:
        """Applies the manifests that changed: what they do not name stays as it is."""
        for kind in KEPT_IN_GIT:
            for manifest in self.manifests.list(kind, Scope()):
                self._apply(kind, deepcopy(manifest["spec"]), manifest["metadata"]["name"])
        DeploymentController(cluster=self.live, rollout_ticks=1).step()

    def _apply(self, kind: Any, spec: Manifest, name: str) -> None:
        ref = Ref(kind, "prod", name)
        if kind == DEPLOYMENT:
            self.webhook(ref, spec["template"])
        if spec != self.live.objects[ref]["spec"]:
            self.live.edit(ref, "spec", spec)
            part = "template" if kind == DEPLOYMENT else "http"
            fields: Manifest = {"f:spec": {f"f:{part}": {}}}
            entry = {"manager": TOOL, "operation": "Apply", "time": timestamp(self.now), "fieldsV1": fields}
            self.live.edit(ref, "metadata", "managedFields", [entry])

    def run(self, most: int) -> list[str]:
        """Makes passes, `most` at most, until the release is at its end. Returns their moves."""
        moves = []
        for _ in range(most):
            moves.append(self.run_pass().move)
            if moves[-1] == "idle":
                break
        return moves

    def edit(self, file: str, old: str, new: str) -> None:
        """Changes a manifest as a person does, and has it applied."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
        self.apply()

    @property
    def copies(self) -> int:
        """How often the primary's template was written into the checkout."""
        return sum(patch.target == P for plan in self.plans for patch in plan.patches)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(CASE / "in", tmp_path / "in")


def test_what_admission_changes_is_waited_for_until_it_is_told_once_what_to_write_into_the_checkout(
    folder: Path,
) -> None:
    site = Site(folder=folder, webhook=as_autopilot)
    assert site.run(32) == ["wait"] * 30 + ["halt"] * 2
    words = (
        'Deployment shop-canary.prod: the cluster has spec.template.spec.containers[0].resources.requests.cpu "250m", '
        'the checkout "100m": waiting until the cluster shows what the checkout has, for more than 30 minutes: have it '
        "applied or, where admission changes what is applied, write into the checkout what the cluster has"
    )
    assert {event.message for event in site.live.events} == {f"Halt rollout shop.prod {words}"}
    assert len({event.name for event in site.live.events}) == 1
    [rollout] = [item for item in site.live.objects.values() if item["kind"] == "Rollout"]
    conditions = {item["type"]: item for item in rollout["status"]["conditions"]}
    assert (conditions["Ready"]["message"], conditions["Stalled"]["status"]) == (words, "True")

    for file in ("canary.yaml", "primary.yaml"):
        site.edit(file, "cpu: 100m", "cpu: 250m")
        site.edit(file, "memory: 128Mi", "memory: 512Mi")
    assert site.run(12) == ["start", "advance", "promote", "conclude", "retire", "retire", "idle"]
    assert site.copies == 1


def test_a_copy_that_admission_adds_to_is_made_once_and_the_release_goes_on(folder: Path) -> None:
    site = Site(folder=folder, webhook=with_an_owner)
    site.apply()
    assert site.run(5) == ["start", "advance", "halt", "halt", "halt"]
    words = (
        "Deployment shop.prod has spec.template.metadata.labels.policy.example.com/owner in the cluster, and nobody "
        "stated it in the checkout: what is applied would leave it there; take it away in the cluster, or state it in "
        "the checkout"
    )
    assert site.live.events[-1].message == f"Halt rollout shop.prod {words}"
    site.edit("primary.yaml", "        app: shop\n    spec:", f"        app: shop\n        {OWNER}: shop\n    spec:")
    assert site.run(12) == ["promote", "conclude", "retire", "retire", "idle"]
    assert site.copies == 1


def test_a_copy_that_admission_changes_is_made_once_and_halts_with_what_to_do(folder: Path) -> None:
    site = Site(folder=folder, webhook=with_more_memory)
    site.apply()
    assert site.run(35) == ["start", "advance", "promote"] + ["wait"] * 30 + ["halt"] * 2
    assert 'resources.requests.memory "1Gi", the checkout "128Mi"' in site.live.events[-1].message
    site.edit("primary.yaml", "memory: 128Mi", "memory: 1Gi")
    assert site.run(3) == ["halt"] * 3
    assert "bring the change into shop-canary.prod" in site.live.events[-1].message
    assert site.copies == 1
    site.edit("canary.yaml", "memory: 128Mi", "memory: 1Gi")
    assert site.run(12)[-1] == "idle"
    assert (site.copies, "shop:1.1.0" in (folder / "primary.yaml").read_text()) == (1, True)
