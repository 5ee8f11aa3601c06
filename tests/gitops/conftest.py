"""What the tests of `manifests/gitops` share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.apiserver.steering import Metrics, apply
from tests.components.fixtures import available
from tests.components.tools import tool
from tests.gitops import states
from tests.gitops.shipped import ARGOCD, CRDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.components.controlplane import ControlPlane


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
    control_plane.kubectl("create", "namespace", namespace)
    with Metrics().serving() as metrics:
        yield states.play(control_plane, metrics, namespace)
