"""What the tests of `manifests/gitops` share."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.apiserver.steering import ARTIFACTS, Metrics, Steerer, account, apply
from tests.components.fixtures import available
from tests.components.tools import tool
from tests.gitops import states
from tests.gitops.flux import Flux
from tests.gitops.shipped import ARGOCD, CRDS, GITOPS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.components.controlplane import ControlPlane
    from tests.components.verdicts import Verdicts


@pytest.fixture(scope="session")
def kinds(control_plane: ControlPlane, pytestconfig: pytest.Config) -> ControlPlane:
    """Give the control plane once it knows the kinds of Flux, Argo CD and Argo Workflows that are shipped."""
    with available("CRDs of Flux and Argo", pytestconfig):
        control_plane.install_crds(tool(name) for name in CRDS)
    return control_plane


@pytest.fixture(scope="session")
def namespaces(control_plane: ControlPlane) -> None:
    """Make the namespaces that are named in what is shipped."""
    names = ("argocd", "flux-system", "test")
    apply(control_plane, *({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names))


@pytest.fixture(scope="session")
def argocd(control_plane: ControlPlane, namespaces: None) -> str:  # noqa: ARG001 - made by then
    """Tell Argo CD what is shipped, the way the page says, and give its namespace.

    Its ConfigMap is there before, as in every installation, and has something of its own.
    """
    own = "--from-literal=url=https://argocd.example.com"
    control_plane.kubectl("create", "configmap", "argocd-cm", own, namespace="argocd")
    patch = ("--patch-file", str(ARGOCD / "argocd-cm.yaml"))
    control_plane.kubectl("patch", "configmap", "argocd-cm", *patch, namespace="argocd")
    return "argocd"


@pytest.fixture(scope="session")
def lived(control_plane: ControlPlane) -> Iterator[dict[str, dict[str, Any]]]:
    """Play the life of a release and give the Rollout in each of its states."""
    namespace = "gitops-life"
    control_plane.create_namespace(namespace)
    with Metrics().serving() as metrics:
        yield states.play(control_plane, metrics, namespace)


@pytest.fixture
def flux(
    kinds: ControlPlane,
    namespaces: None,  # noqa: ARG001 - made by then
    verdicts: Verdicts,
    namespace: str,
    tmp_path: Path,
) -> Flux:
    """Give Flux over a checkout of this repository, for the namespace of this test."""
    root = tmp_path / "git"
    shutil.copytree(ARTIFACTS, root / "artifacts")
    shutil.copytree(GITOPS, root / "manifests" / "gitops")
    found = Flux(plane=kinds, verdicts=verdicts, root=root, namespace=namespace)
    found.version("1.2.1")
    return found


@pytest.fixture
def metrics() -> Iterator[Metrics]:
    """Give a metrics server that finds everything well."""
    with Metrics().serving() as serving:
        yield serving


@pytest.fixture
def steerer(control_plane: ControlPlane, namespace: str, metrics: Metrics) -> Steerer:
    """Give the program with the rights of a pass in the namespace of this test."""
    kubeconfig = account(control_plane, namespace, states.RIGHTS)
    return Steerer(kubeconfig=kubeconfig, metrics=metrics.url, namespace=namespace)
