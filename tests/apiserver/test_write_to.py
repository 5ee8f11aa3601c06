"""Releases that only Git brings about: real git, the pipeline of the docs, and an apply loop as Flux has one.

The account that steerer acts as may write nothing but the status and Events.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from reconcile.clusters.git.manifest_diff import difference
from reconcile.clusters.git.strip_defaults import strip_defaults
from reconcile.model.rights import PASS, rules
from tests.apiserver.steering import ARTIFACTS, Metrics, account, flat, get, of_steerer, rolled_out, server_side_apply
from tests.hostile.tally import End, ended
from tests.hostile.test_folder import SERVICE as HEAD
from tests.hostile.test_folder import WHOSE, laughs
from tests.support import fast_yaml, forked
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.components.controlplane import ControlPlane

FILES = ("deployment", "deployment-canary", "service", "service-canary", "virtual-service")
VIRTUAL_SERVICE = "deploy/virtual-service.yaml"
PRIMARY, CANARY = "deploy/deployment.yaml", "deploy/deployment-canary.yaml"


def script() -> str:
    """Returns the pipeline in the docs."""
    section = (ROOT / "docs" / "pipelines.md").read_text().partition("\n## Git as the target\n")[2]
    [found, *_] = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    return str(found)


@dataclass(kw_only=True)
class Site:
    """A repository, the namespace that it is applied to, and the clones of a person and of the pipeline."""

    plane: ControlPlane
    namespace: str
    root: Path
    kubeconfig: Path
    metrics: Metrics
    client_side: bool = False

    @property
    def workspace(self) -> Path:
        """The clone of a person."""
        return self.root / "workspace"

    def run(self, *command: str, at: Path, expect: int = 0) -> str:
        """Runs a program of the pipeline; returns its output, stderr included."""
        who = {f"GIT_{role}_{what}": "ci" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        done = subprocess.run(
            command,
            cwd=at,
            env={
                "PATH": f"{forked.commands()}:{os.defpath}",
                "HOME": str(self.root),
                "GIT_CONFIG_NOSYSTEM": "1",
                "LANG": "C.UTF-8",
                "KUBECONFIG": str(self.kubeconfig),
                "STEERER_METRICS_SERVER": self.metrics.url,
                "STEERER_CONTROL_LOOP_INTERVAL": "0s",
                **who,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == expect, f"{command} ended with {done.returncode}:\n{done.stdout}"
        return done.stdout

    def git(self, *args: str, at: Path | None = None) -> str:
        """Runs git, by default in the clone of the person."""
        return self.run("git", *args, at=at or self.workspace)

    def clone(self) -> Path:
        """Makes a new clone, as each run of a pipeline does."""
        path = self.root / f"run-{uuid4().hex[:8]}"
        self.git("clone", "--quiet", str(self.root / "origin.git"), str(path), at=self.root)
        return path

    def push(self, file: str, old: str, new: str) -> None:
        """Changes a file and pushes it, as a person does."""
        self.git("pull", "--quiet")
        path = self.workspace / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        self.git("commit", "--quiet", "--all", "--message", f"person: {file}")
        self.git("push", "--quiet")

    def pipeline(self) -> str:
        """Runs the pipeline of the docs in a new clone; returns its output."""
        return self.run("bash", "-c", script(), at=self.clone())

    def step(self, at: Path | None = None, *options: str, expect: int = 0) -> dict[str, Any]:
        """Makes a pass in a clone without a commit; returns its decision record."""
        command = ("steerer", "run", "podinfo", "--write-to", "deploy", "--log-level=error", "-o", "json", *options)
        told = self.run(*command, at=at or self.clone(), expect=expect)
        [record] = json.loads(told[told.index("{\n") :])["rollouts"]  # after the log lines
        return dict(record)

    def apply(self) -> None:
        """Applies what is pushed, as Flux's kustomize-controller or, by default, Argo CD does it."""
        folder = self.clone() / "deploy"
        if self.client_side:
            command = ("apply", "--field-manager=argocd-controller", "--filename", str(folder))
            self.plane.kubectl(*command, namespace=self.namespace)
            return
        files = sorted(folder.glob("*.yaml"))
        server_side_apply(
            self.plane, self.namespace, (one for file in files for one in fast_yaml.load_all(file.read_text()))
        )

    def settled(self) -> None:
        """Applies what is pushed, and waits for the Deployments."""
        self.apply()
        rolled_out(self.plane, self.namespace, "podinfo", "podinfo-canary")

    def log(self) -> list[str]:
        """Returns the subjects of the pipeline's commits, the oldest first."""
        self.git("pull", "--quiet")
        subjects = self.git("log", "--reverse", "--format=%s").splitlines()
        return [line for line in subjects if not line.startswith("person: ")]

    def diff(self) -> list[str]:
        """Returns the lines that the last commit removed and added."""
        self.git("pull", "--quiet")
        lines = self.git("show", "--format=", "--unified=0").splitlines()
        return [line for line in lines if re.match(r"[-+](?![-+])", line)]

    @property
    def status(self) -> dict[str, Any]:
        """The status of the Rollout."""
        return dict(get(self.plane, "rollout/podinfo", self.namespace)["status"])


@pytest.fixture
def client_side() -> bool:
    """Returns whether Argo CD's client-side apply is used; by default it is Flux's."""
    return False


@pytest.fixture
def site(control_plane: ControlPlane, namespace: str, tmp_path: Path, *, client_side: bool) -> Iterator[Site]:
    """Yields a repository after its first apply; its manifests name no namespace."""
    grants = rules(
        right for right in PASS if right.verb != "patch" or right.kind.name not in {"VirtualService", "Deployment"}
    )
    kubeconfig = account(control_plane, namespace, grants)
    with Metrics().serving() as metrics:
        site = Site(
            plane=control_plane,
            namespace=namespace,
            root=tmp_path,
            kubeconfig=kubeconfig,
            metrics=metrics,
            client_side=client_side,
        )
        site.git("init", "--quiet", "--bare", "--initial-branch=main", "origin.git", at=tmp_path)
        site.git("clone", "--quiet", "origin.git", "workspace", at=tmp_path)
        folder = site.workspace / "deploy"
        folder.mkdir()
        for name in FILES:
            text = (ARTIFACTS / "workloads" / f"{name}.yaml").read_text()
            (folder / f"{name}.yaml").write_text(text.replace("  namespace: test\n", ""))
        text = (ARTIFACTS / "rollouts" / "podinfo.yaml").read_text()
        text = text.replace("  namespace: test\n", "").replace("stepWeight: 10", "stepWeight: 50")
        (folder / "rollout.yaml").write_text(text)
        site.git("checkout", "--quiet", "-B", "main")
        site.git("add", ".")
        site.git("commit", "--quiet", "--message", "person: everything")
        site.git("push", "--quiet", "--set-upstream", "origin", "main")
        site.settled()
        yield site


def released(site: Site, before: Callable[[], object] = lambda: None) -> list[str]:
    """Applies, calls `before` and runs the pipeline, in turn until nothing changes; returns the commits."""
    begun = len(site.log())
    for _ in range(12):
        site.settled()
        before()
        if " idle " in site.pipeline():
            return [re.sub(r"v1-\w+", "REVISION", line) for line in site.log()[begun:]]
    raise AssertionError(f"not at rest: {site.status}")


def steps(site: Site) -> list[str]:
    """Returns the commits of a release whose canary has its pods."""
    primary, canary = (f"{name}.{site.namespace}" for name in ("podinfo", "podinfo-canary"))
    return [
        "starting with 50 % of the traffic",
        "the canary is well at 50 %: advancing to 100 %",
        "the canary is well at the maximum: promoting REVISION",
        f"{primary} is rolled out: routing all traffic to it",
        f"Deployment {canary} gets spec.replicas 0; the rest follows once the cluster shows it",
    ]


# Argo CD's kubectl costs six times what Flux's apply does: one release under it.
@pytest.mark.parametrize(("client_side", "tags"), [(False, ("1.2.1", "1.2.7", "1.2.8")), (True, ("1.2.1", "1.2.7"))])
def test_releases_that_only_git_brings_about(site: Site, tags: tuple[str, ...]) -> None:
    mark = site.plane.mark()
    commits = []
    for old, new in pairwise(tags):
        site.push(CANARY, f"podinfo:{old}", f"podinfo:{new}")
        assert f'podinfo:{old}", the checkout "quay.io/stefanprodan/podinfo:{new}"' in site.pipeline()
        commits.append(released(site))

    scaled = f"podinfo-canary.{site.namespace} has a new revision and 0 replicas: scaling it up to 2"
    assert commits == [steps(site), [scaled, *steps(site)]][: len(commits)]

    writes = [
        entry for entry in of_steerer(site.plane.requests_since(mark)) if entry.verb not in {"get", "list", "watch"}
    ]
    assert {(entry.resource, entry.subresource) for entry in writes} == {("rollouts", "status"), ("events", "")}
    assert all(entry.code < 400 or entry.code == 409 for entry in writes)
    primary = get(site.plane, "deployment/podinfo", site.namespace)
    assert primary["spec"]["template"]["spec"]["containers"][0]["image"].endswith(f":{tags[-1]}")

    mark = site.plane.mark()
    assert site.step()["move"] == "idle"
    asked = [(entry.verb, entry.resource) for entry in of_steerer(site.plane.requests_since(mark))]
    assert asked == [("list", "rollouts"), ("get", "deployments")]  # no more than without a checkout


def test_a_commit_holds_the_step_and_nothing_else(site: Site) -> None:
    site.push(PRIMARY, 'cpu: "1"', "cpu: 1000m # one core")
    site.push(PRIMARY, "      containers:", "      terminationGracePeriodSeconds: 45\n      containers:")
    sidecar = (
        "\n        - name: sidecar\n          image: sidecar:1\n          ports:\n            - containerPort: 9000"
    )
    probe = "\n          startupProbe:\n            httpGet:\n              path: /started\n              port: http"
    volume = "\n      volumes:\n        - name: config\n          configMap:\n            name: podinfo"
    site.push(CANARY, "memory: 256Mi", f"memory: 256Mi{probe}{sidecar}{volume}")
    site.push(CANARY, "podinfo:1.2.1", "podinfo:1.3.0 # a comment")
    site.settled()
    site.pipeline()
    assert site.diff() == [
        "-          weight: 100",
        "+          weight: 50",
        "-          weight: 0",
        "+          weight: 50",
    ]
    for _ in range(2):
        site.settled()
        site.pipeline()
    changed = site.diff()
    added = [line[1:].strip() for line in changed if line.startswith("+")]
    assert [line.strip("- ") for line in changed if line.startswith("-")] == [
        "terminationGracePeriodSeconds: 45",
        "image: quay.io/stefanprodan/podinfo:1.2.0",
    ]
    assert "image: quay.io/stefanprodan/podinfo:1.3.0" in added
    words = {line.removeprefix("- ").partition(":")[0] for line in added}
    assert words == {
        *("image", "startupProbe", "httpGet", "path", "port", "name", "ports", "containerPort"),
        *("volumes", "configMap", "terminationGracePeriodSeconds"),
    }
    site.settled()
    primary, canary = (
        get(site.plane, f"deployment/{name}", site.namespace)["spec"]["template"]["spec"]
        for name in ("podinfo", "podinfo-canary")
    )
    assert primary == canary


def test_an_approval_in_git_lets_the_release_go_on(site: Site) -> None:
    steps = "steps: [{weight: 50, approval: true}, {weight: 100}]"
    site.push("deploy/rollout.yaml", "stepWeight: 50", steps)
    site.push("deploy/rollout.yaml", "    maxWeight: 100\n", "")
    site.settled()
    site.pipeline()
    site.apply()
    begun = site.log()
    assert "waiting for an approval to leave 50 %" in site.pipeline()
    assert site.log() == begun

    site.git("pull", "--quiet")
    revision = site.status["canaryRevision"]
    approve = ("steerer", "approve", "podinfo", "-f", "deploy", "--revision", revision, "--unchecked")
    site.run(*approve, at=site.workspace)
    site.git("commit", "--quiet", "--all", "--message", "person: approve")
    site.git("push", "--quiet")
    assert site.diff() == ["+  annotations:", f"+    apps.weave.works/approve: {revision}"]
    assert released(site)[0] == "the canary is well at 50 %: advancing to 100 %"
    assert site.status["phase"] == "Succeeded"


def test_a_run_that_dies_before_its_push_is_made_again(site: Site) -> None:
    site.push(CANARY, "podinfo:1.2.1", "podinfo:1.2.7")
    lost: list[str] = []

    def die() -> None:
        lost.append(str(site.step()["move"]))

    start, advance, _, conclude, retire = steps(site)
    copy = f"podinfo.{site.namespace} does not have the promoted template yet: copying it"
    assert released(site, before=die) == [start, advance, copy, conclude, retire]
    assert lost[:5] == ["start", "advance", "promote", "conclude", "retire"]
    assert site.status["phase"] == "Succeeded"
    assert get(site.plane, "deployment/podinfo-canary", site.namespace)["spec"]["replicas"] == 0


def test_a_weight_that_was_lost_on_its_way_is_not_made_up_for_without_an_analysis(site: Site) -> None:
    site.push(CANARY, "podinfo:1.2.1", "podinfo:1.2.7")
    site.settled()
    site.pipeline()
    site.settled()
    assert site.step()["move"] == "advance"
    assert site.status["canaryWeight"] == 100
    site.metrics.values["istio_requests_total"] = "50"
    record = site.step()
    assert (record["move"], record["patches"][0]["target"]["kind"], len(record["patches"])) == ("halt", "Rollout", 1)
    site.metrics.good()
    assert site.step()["move"] == "advance"


def test_a_step_that_is_not_applied_is_waited_for_and_the_status_says_so(site: Site) -> None:
    site.push(CANARY, "podinfo:1.2.1", "podinfo:1.2.7")
    site.settled()
    behind = site.clone()
    site.pipeline()
    mark, before = site.plane.mark(), site.status
    waits = [site.step() for _ in range(2)]
    route = f"VirtualService podinfo.{site.namespace}"
    rest = "waiting until the cluster shows what the checkout has"
    assert {(record["move"], record["reason"]) for record in waits} == {
        ("wait", f"{route}: the cluster has spec.http[0].route[0].weight 100, the checkout 50: {rest}")
    }
    requests = of_steerer(site.plane.requests_since(mark))
    writes = [(entry.resource, entry.subresource) for entry in requests if entry.verb not in {"get", "list"}]
    assert writes == [("rollouts", "status")]
    *others, pending = site.status["conditions"]
    assert (pending["type"], pending["message"]) == ("Pending", waits[0]["reason"])
    assert site.status | {"conditions": others} == before

    site.step(None, "--detailed-exitcode", expect=3)
    site.apply()
    found = site.step(behind)
    assert found["reason"] == f"{route}: the cluster has spec.http[0].route[0].weight 50, the checkout 100: {rest}"


def test_the_interval_counts_from_when_a_step_was_applied(site: Site) -> None:
    site.push(CANARY, "podinfo:1.2.1", "podinfo:1.2.7")
    site.settled()
    site.pipeline()
    old = {"status": {"lastAdvanceTime": "2026-01-31T12:00:00Z"}}
    site.plane.patch("rollout/podinfo/status", site.namespace, old)
    site.settled()
    record = site.step(None, "--control-loop-interval=10m")
    assert record["move"] == "wait"
    assert re.fullmatch(r"\d{1,3}s of the control-loop interval left", record["reason"])


def test_a_push_that_is_rejected_fails_the_run_and_the_next_goes_on(site: Site) -> None:
    site.push(CANARY, "podinfo:1.2.1", "podinfo:1.2.7")
    site.settled()
    late = site.clone()
    site.push(PRIMARY, "replicas: 2", "replicas: 3")
    assert "rejected" in site.run("bash", "-c", script(), at=late, expect=1)
    assert released(site) == steps(site)


def test_what_a_person_reverts_or_changes_in_git_is_obeyed(site: Site) -> None:
    site.push(CANARY, "podinfo:1.2.1", "podinfo:1.2.7")
    for _ in range(2):
        site.settled()
        site.pipeline()
    site.settled()
    site.git("pull", "--quiet")
    site.git("revert", "--no-edit", "HEAD")
    site.git("commit", "--quiet", "--amend", "--message", "person: not so fast")
    site.git("push", "--quiet")
    assert site.step()["move"] == "wait"
    site.settled()
    record = site.step()
    assert (record["before"]["weight"], record["move"], record["after"]["weight"]) == (50, "advance", 100)

    site.push(CANARY, "podinfo:1.2.7", "podinfo:1.2.8")
    assert site.step()["move"] == "wait"
    begun = released(site)
    canary, primary = f"podinfo-canary.{site.namespace}", f"podinfo.{site.namespace}"
    reset = f"New revision detected! {canary} changed, routing all traffic to {primary} to start over"
    assert begun == [reset, *steps(site)]


def test_a_weight_that_a_person_takes_back_in_git_is_not_put_back(site: Site) -> None:
    site.push(CANARY, "podinfo:1.2.1", "podinfo:1.2.7")
    for _ in range(2):
        site.settled()
        site.pipeline()
    site.settled()
    site.git("pull", "--quiet")
    site.git("checkout", "HEAD~2", "--", VIRTUAL_SERVICE)
    site.git("commit", "--quiet", "--message", "person: stop")
    site.git("push", "--quiet")
    site.settled()
    record = site.step()
    assert (record["before"]["weight"], record["move"], record["after"]["weight"]) == (0, "start", 50)


def test_the_primary_is_waited_for_with_the_words_of_any_promotion(site: Site) -> None:
    site.push(CANARY, "podinfo:1.2.1", "podinfo:1.2.7")
    for _ in range(3):
        site.settled()
        site.pipeline()
    with site.plane.no_room(site.namespace):
        site.apply()
        assert f"Waiting for podinfo.{site.namespace} rollout to finish: 0 of 2 updated replicas" in site.pipeline()
    assert released(site) == steps(site)[3:]


def test_a_promotion_that_a_person_reverts_halts_with_who_applied_that(site: Site) -> None:
    site.push(CANARY, "podinfo:1.2.1", "podinfo:1.2.7")
    for _ in range(4):
        site.settled()
        site.pipeline()
    assert site.status["phase"] == "Finalising"
    site.push(PRIMARY, "podinfo:1.2.7", "podinfo:1.2.0")
    site.settled()
    record = site.step()
    assert record["move"] == "halt"
    assert "was changed by kustomize-controller after the promotion" in record["reason"]
    site.push(PRIMARY, "podinfo:1.2.0", "podinfo:1.2.7")
    assert released(site) == steps(site)[4:]


def test_a_promotion_that_only_takes_something_away_is_waited_for_too(site: Site) -> None:
    noted = "    metadata:\n      annotations:\n        note: old\n"
    site.push(PRIMARY, "    metadata:\n", noted)
    site.push(CANARY, "podinfo:1.2.1", "podinfo:1.2.0")
    for _ in range(3):
        site.settled()
        site.pipeline()
    assert site.diff() == ["-      annotations:", "-        note: old"]
    record = site.step()
    assert (record["move"], [patch["target"]["kind"] for patch in record["patches"]]) == ("wait", ["Rollout"])
    assert site.status["conditions"][-1]["type"] == "Pending"
    assert 'spec.template.metadata.annotations.note "old", the checkout not set' in record["reason"]
    assert released(site) == steps(site)[3:]


def test_what_a_promotion_by_git_could_not_take_away_halts_by_name(site: Site) -> None:
    site.plane.kubectl("rollout", "restart", "deployment/podinfo", namespace=site.namespace)
    site.push(CANARY, "podinfo:1.2.1", "podinfo:1.2.7")
    for _ in range(2):
        site.settled()
        site.pipeline()
    site.settled()
    halted = site.step()
    assert (halted["move"], [patch["target"]["kind"] for patch in halted["patches"]]) == ("halt", ["Rollout"])
    assert "spec.template.metadata.annotations in the cluster, and nobody stated it in the checkout" in halted["reason"]
    assert site.status["conditions"][0]["message"] == halted["reason"]
    path = "/spec/template/metadata/annotations"
    site.plane.patch("deployment/podinfo", site.namespace, [{"op": "remove", "path": path}])
    assert released(site) == steps(site)[2:]


def test_a_dry_run_shows_the_commit_and_writes_nothing(site: Site) -> None:
    site.push(CANARY, "podinfo:1.2.1", "podinfo:1.2.7")
    for _ in range(2):
        site.settled()
        site.pipeline()
    site.settled()
    clone, mark = site.clone(), site.plane.mark()
    record = site.step(clone, "--dry-run=client")
    assert site.git("status", "--porcelain", at=clone) == ""
    assert {entry.verb for entry in of_steerer(site.plane.requests_since(mark))} <= {"get", "list"}
    *_, copy = record["patches"]
    template = copy["operations"][-1]["value"]
    assert (record["result"], record["move"]) == ("planned", "promote")
    assert "restartPolicy" not in template["spec"]
    assert template["spec"]["containers"][0]["image"].endswith(":1.2.7")


def test_a_folder_without_the_objects_is_a_usage_error(site: Site) -> None:
    (site.workspace / "empty").mkdir()
    said = site.run("steerer", "run", "--write-to", "empty", at=site.workspace, expect=2)
    assert f"empty has no manifest of Deployment podinfo.{site.namespace}" in said
    (site.workspace / VIRTUAL_SERVICE).unlink()
    site.push(CANARY, "podinfo:1.2.1", "podinfo:1.2.7")
    site.settled()
    missing = site.step(site.workspace)
    assert missing["reason"] == f"VirtualService podinfo.{site.namespace}: it is in the cluster, and not in deploy"
    assert missing["move"] == "wait"


@pytest.mark.hostile(WHOSE, "a checkout that means harm, beside a real API server")
def test_a_checkout_that_means_harm_is_refused_and_nothing_is_written(site: Site, tmp_path: Path) -> None:
    secret = tmp_path / "secret.yaml"
    secret.write_text("apiVersion: v1\nkind: Secret\nmetadata: {name: x}\n")
    pieces: dict[str, tuple[Callable[[Path], Any], str]] = {
        "broken": (lambda path: path.write_text("a: [\n"), r"x\.yaml:\d+:\d+: "),
        "laughs": (lambda path: path.write_text(HEAD + laughs(10, 30)), "more than 500000 values, aliases included"),
        "object": (
            lambda path: path.write_text(HEAD + "a: !!python/object/apply:os.system [id]\n"),
            "is not understood",
        ),
        "name": (lambda path: path.write_text(HEAD.replace("x}", "../x}")), ""),
        "link": (lambda path: path.symlink_to(secret), "leads out of"),
        "pipe": (os.mkfifo, "is no regular file"),
        "twice": (lambda path: path.write_text((path.parent / "service.yaml").read_text()), ""),
    }
    site.push(CANARY, "podinfo:1.2.1", "podinfo:1.2.7")
    site.settled()
    kinds = ("rollout", "virtualservice", "deployment")
    before = [get(site.plane, f"{kind}/podinfo", site.namespace) for kind in kinds]
    for name, (make, words) in pieces.items():
        clone = site.clone()
        make(clone / "deploy" / "x.yaml")
        # What is wrong in a document of nobody's is told and left out; a file that is none refuses the folder.
        refused = name in {"laughs", "link", "pipe"}
        commands = (("run", "--dry-run=client"), ("run",)) if refused else (("run", "--dry-run=client"),)
        for command in commands:
            expect = 2 if refused else 0
            said = site.run("steerer", *command, "podinfo", "--write-to", "deploy", at=clone, expect=expect)
            assert re.search(words, said)
            assert "Traceback" not in said
        assert site.git("diff", "--name-only", at=clone) == ""
        ended(End.REFUSED)
    assert [get(site.plane, f"{kind}/podinfo", site.namespace) for kind in kinds] == before


def test_what_the_server_adds_to_a_template_is_known(control_plane: ControlPlane, namespace: str) -> None:
    web = {"httpGet": {"path": "/ready", "port": 80}}
    called = {"grpc": {"port": 9000}}
    field_ref = {"fieldRef": {"fieldPath": "metadata.name"}}
    container = {
        "name": "app",
        "image": "app:1",
        "env": [{"name": "NAME", "valueFrom": field_ref}],
        "ports": [{"containerPort": 80}, {"containerPort": 90, "protocol": "UDP", "name": "dns"}],
        "readinessProbe": web,
        "livenessProbe": {"httpGet": {"port": 80}},
        "startupProbe": called,
        "lifecycle": {"preStop": web},
    }
    volumes = [
        {"name": "a", "configMap": {"name": "a"}},
        {"name": "b", "secret": {"secretName": "b"}},
        {"name": "c", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}},
        {"name": "d", "downwardAPI": {"items": [{"path": "name", **field_ref}]}},
        {"name": "e", "hostPath": {"path": "/srv"}},
        {"name": "f", "emptyDir": {"sizeLimit": "1Gi"}},
    ]
    spec = {
        "containers": [container, {"name": "latest", "image": "host:5000/latest"}],
        "initContainers": [{"name": "init", "image": f"init@sha256:{'0' * 64}"}],
        "volumes": volumes,
        "serviceAccountName": "somebody",
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {}}
        ],
    }
    template = {"metadata": {"labels": {"app": "app"}}, "spec": spec}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "app"},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "app"}}, "template": template},
    }
    control_plane.apply(json.dumps(deployment), namespace=namespace)
    live = get(control_plane, "deployment/app", namespace)["spec"]["template"]
    assert flat(strip_defaults(live, None, None)).keys() - flat(template).keys() == set()
    assert difference(template, live) is None
    assert strip_defaults(live, live, template) == template
