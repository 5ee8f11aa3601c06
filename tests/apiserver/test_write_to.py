"""Releases that only Git brings about: real git, the pipeline of the docs, and an apply loop as Flux has one.

The account that steerer acts as may write nothing but the status and Events.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from reconcile.rights import PASS, rules
from tests.apiserver.steering import ARTIFACTS, ROOT, Metrics, account, get, of_steerer, rolled_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.components.controlplane import ControlPlane

FILES = ("deployment", "deployment-canary", "service", "service-canary", "virtual-service")
ROUTE = "deploy/virtual-service.yaml"
PRIMARY, CANARY = "deploy/deployment.yaml", "deploy/deployment-canary.yaml"


def script() -> str:
    """Take the pipeline out of the docs."""
    section = (ROOT / "docs" / "pipelines.md").read_text().partition("\n## Git as the target\n")[2]
    [found, *_] = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    return str(found)


@dataclass(kw_only=True)
class Site:
    """A repository, a namespace that it is applied to, and everybody who has a clone of it."""

    plane: ControlPlane
    namespace: str
    root: Path
    kubeconfig: Path
    metrics: Metrics

    @property
    def desk(self) -> Path:
        """The clone of a person."""
        return self.root / "desk"

    def run(self, *command: str, at: Path, expect: int = 0) -> str:
        """Run a program of the pipeline; gives what it wrote, stderr included."""
        who = {f"GIT_{role}_{what}": "ci" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        done = subprocess.run(
            command,
            cwd=at,
            env={
                "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
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
        """Run git, at the desk if nowhere else."""
        return self.run("git", *args, at=at or self.desk)

    def clone(self) -> Path:
        """Make a clone, as each run of a pipeline does."""
        path = self.root / f"run-{uuid4().hex[:8]}"
        self.git("clone", "--quiet", str(self.root / "origin.git"), str(path), at=self.root)
        return path

    def push(self, file: str, old: str, new: str) -> None:
        """Let a person change a file and push it."""
        self.git("pull", "--quiet")
        path = self.desk / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        self.git("commit", "--quiet", "--all", "--message", f"person: {file}")
        self.git("push", "--quiet")

    def pipeline(self) -> str:
        """Run the pipeline of the docs in a fresh clone; gives its output."""
        return self.run("bash", "-c", script(), at=self.clone())

    def step(self, at: Path | None = None, *options: str, expect: int = 0) -> dict[str, Any]:
        """Make a pass in a clone and commit nothing; gives its decision record."""
        command = ("steerer", "run", "podinfo", "--write-to", "deploy", "--log-level=error", "-o", "json", *options)
        [record] = json.loads(self.run(*command, at=at or self.clone(), expect=expect))["rollouts"]
        return dict(record)

    def apply(self) -> None:
        """Apply what is pushed, as Flux's kustomize-controller does, and let the controllers work."""
        self.plane.kubectl(
            "apply",
            "--server-side",
            "--field-manager=kustomize-controller",
            "--force-conflicts",
            "--filename",
            str(self.clone() / "deploy"),
            namespace=self.namespace,
        )

    def settled(self) -> None:
        """Apply, and wait for the Deployments."""
        self.apply()
        rolled_out(self.plane, self.namespace, "podinfo", "podinfo-canary")

    def log(self) -> list[str]:
        """Give the first lines of the pipeline's commits, the oldest first."""
        self.git("pull", "--quiet")
        subjects = self.git("log", "--reverse", "--format=%s").splitlines()
        return [line for line in subjects if not line.startswith("person: ")]

    def diff(self) -> list[str]:
        """Give the lines that the last commit took away and put in."""
        self.git("pull", "--quiet")
        lines = self.git("show", "--format=", "--unified=0").splitlines()
        return [line for line in lines if re.match(r"[-+](?![-+])", line)]

    @property
    def status(self) -> dict[str, Any]:
        """The status of the Rollout."""
        return dict(get(self.plane, "rollout/podinfo", self.namespace)["status"])


@pytest.fixture
def site(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[Site]:
    """Give a repository that is applied for the first time; its manifests name no namespace."""
    grants = rules(
        right for right in PASS if right.verb != "patch" or right.kind.name not in {"VirtualService", "Deployment"}
    )
    kubeconfig = account(control_plane, namespace, grants)
    with Metrics().serving() as metrics:
        site = Site(plane=control_plane, namespace=namespace, root=tmp_path, kubeconfig=kubeconfig, metrics=metrics)
        site.git("init", "--quiet", "--bare", "--initial-branch=main", "origin.git", at=tmp_path)
        site.git("clone", "--quiet", "origin.git", "desk", at=tmp_path)
        folder = site.desk / "deploy"
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


def released(site: Site) -> list[str]:
    """Apply and run the pipeline in turns until there is nothing more to do; gives its commits."""
    begun = len(site.log())
    for _ in range(12):
        site.settled()
        if " idle " in site.pipeline():
            return [re.sub(r"v1-\w+", "REVISION", line) for line in site.log()[begun:]]
    raise AssertionError(f"not at rest: {site.status}")


def test_two_releases_that_only_git_brings_about(site: Site) -> None:
    mark = site.plane.mark()
    commits = []
    for old, new in (("1.2.1", "1.2.7"), ("1.2.7", "1.2.8")):
        site.push(CANARY, f"podinfo:{old}", f"podinfo:{new}")
        assert f'podinfo:{old}", the checkout "quay.io/stefanprodan/podinfo:{new}"' in site.pipeline()
        commits.append(released(site))

    steps = [
        "starting with 50 % of the traffic",
        "the canary is well at 50 %: advancing to 100 %",
        "the canary is well at the maximum: promoting REVISION",
        f"podinfo.{site.namespace} is rolled out: routing all traffic to it",
        f"Deployment podinfo-canary.{site.namespace} gets spec.replicas 0; the rest follows once the cluster shows it",
    ]
    scaled = f"podinfo-canary.{site.namespace} has a new revision and 0 replicas: scaling it up to 2"
    assert commits == [steps, [scaled, *steps]]

    writes = [
        entry for entry in of_steerer(site.plane.requests_since(mark)) if entry.verb not in {"get", "list", "watch"}
    ]
    assert {(entry.resource, entry.subresource) for entry in writes} == {("rollouts", "status"), ("events", "")}
    assert all(entry.code < 400 or entry.code == 409 for entry in writes)
    primary = get(site.plane, "deployment/podinfo", site.namespace)
    assert primary["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":1.2.8")
