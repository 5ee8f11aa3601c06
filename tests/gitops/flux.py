"""Flux over a copy of this repository: one Kustomization after the other is built, applied and looked at.

Building, applying and judging are Flux's own code; that it is done, and in which order, is the test's.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from tests.apiserver.steering import apply, get, rolled_out
from tests.gitops.shipped import FLUX, named
from tests.support import fast_yaml

if TYPE_CHECKING:
    from pathlib import Path

    from tests.components.controlplane import ControlPlane
    from tests.components.verdicts import Verdicts

Manifest = dict[str, Any]


@dataclass(kw_only=True)
class Flux:
    """`root` is the checkout; whatever is in the namespace `test` there is in `namespace` here."""

    plane: ControlPlane
    verdicts: Verdicts
    root: Path
    namespace: str

    def __post_init__(self) -> None:
        self.replace("namespace: test\n", f"namespace: {self.namespace}\n")
        self.replace("--namespace=test\n", f"--namespace={self.namespace}\n")
        self.replace("metadata:\n  name: test\n", f"metadata:\n  name: {self.namespace}\n")

    # Commits.

    def replace(self, old: str, new: str) -> None:
        """Let somebody commit another text in all files."""
        for file in self.root.rglob("*.yaml"):
            text = file.read_text(encoding="utf-8")
            if old in text:
                file.write_text(text.replace(old, new), encoding="utf-8")

    def edit(self, file: str, change: Manifest) -> None:
        """Let somebody commit another manifest: members of spec are replaced."""
        path = self.root / file
        manifest = fast_yaml.load(path.read_text())
        path.write_text(yaml.safe_dump(manifest | {"spec": manifest["spec"] | change}))

    def version(self, version: str) -> None:
        """Let somebody commit another version."""
        config = named(FLUX / "pipeline.yaml", "podinfo-version", "ConfigMap")
        apply(self.plane, config | {"data": {"version": version}})

    # What the controller does.

    def build(self, kustomization: Manifest) -> list[Manifest]:
        """Build the objects of a Kustomization."""
        # Flux writes a kustomization.yaml into the folder that it builds, so that each build has a copy of its own.
        checkout = self.root.parent / "build"
        shutil.rmtree(checkout, ignore_errors=True)
        shutil.copytree(self.root, checkout)
        [objects] = self.verdicts.ask("flux-build", {"root": str(checkout), "kustomization": kustomization})
        found: list[Manifest] = objects
        return found

    def reconcile(self, kustomization: Manifest) -> dict[str, str]:
        """Build and apply, and give what was done by kind and name."""
        objects = self.build(kustomization)
        asked = {"objects": objects, "ignore": kustomization["spec"].get("ignore", [])}
        [actions] = self.verdicts.ask("flux-apply", asked)
        return {subject.replace(f"/{self.namespace}/", "/"): action for subject, action in actions.items()}

    def health(self, kustomization: Manifest) -> dict[str, str]:
        """Give what Flux makes of each object that it waits for, by kind and name."""
        stored = [self._stored(item) for item in self.build(kustomization)]
        exprs = {item["kind"]: item for item in kustomization["spec"].get("healthCheckExprs", [])}
        return {f"{item['kind']}/{item['metadata']['name']}": self._judged(item, exprs) for item in stored}

    def _stored(self, item: Manifest) -> Manifest:
        name, namespace = item["metadata"]["name"], item["metadata"].get("namespace")
        return self.plane.get(f"{item['kind'].lower()}/{name}", namespace or "")

    def _judged(self, item: Manifest, exprs: dict[str, Manifest]) -> str:
        kind, ask = item["kind"], {"object": item}
        by = "flux-job" if kind == "Job" else "flux-health" if kind in exprs else "kstatus"
        [found] = self.verdicts.health(by, ask | {"expressions": exprs[kind]} if kind in exprs else ask)
        assert not found.error, found.error
        return found.status

    # The cluster.

    def live(self, what: str) -> Manifest:
        """Give the spec of an object as it is stored."""
        spec: Manifest = get(self.plane, what, self.namespace)["spec"]
        return spec

    def settled(self) -> None:
        """Wait for the controllers."""
        rolled_out(self.plane, self.namespace, "podinfo", "podinfo-canary")

    @property
    def weights(self) -> list[int]:
        """The stored weights of primary and canary, in this order."""
        [*_, route] = self.live("virtualservice/podinfo")["http"]
        return [item["weight"] for item in route["route"]]


def kustomization(name: str, file: str = "pipeline.yaml") -> Manifest:
    """Give a shipped Kustomization."""
    return named(FLUX / file, name, "Kustomization")
