"""What is shipped in `manifests/gitops`, as the tests read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support import fast_yaml
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

GITOPS = ROOT / "manifests" / "gitops"
ARGOCD, FLUX, WORKFLOWS = (GITOPS / name for name in ("argocd", "flux", "argo-workflows"))
CUSTOMIZATION = ARGOCD / "resource_customizations" / "apps.weave.works" / "Rollout"
CRDS = ("flux-kustomization-crd", "argocd-application-crd", "argo-workflow-template-crd")


def documents(file: Path) -> list[dict[str, Any]]:
    """Give the objects of a file, in its order."""
    return [item for item in fast_yaml.load_all(file.read_text(encoding="utf-8")) if item]


def named(file: Path, name: str, kind: str) -> dict[str, Any]:
    """Give one object of a file."""
    [found] = [item for item in documents(file) if (item["metadata"]["name"], item["kind"]) == (name, kind)]
    return found
