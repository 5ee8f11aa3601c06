"""What the tests of `manifests/gitops` share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.apiserver.steering import Metrics
from tests.gitops import states
from tests.gitops.shipped import ARGOCD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.components.controlplane import ControlPlane


@pytest.fixture(scope="session")
def argocd(control_plane: ControlPlane) -> str:
    """Make the namespace of Argo CD, tell it what is shipped the way the page says, and give its name.

    Its ConfigMap is there before, as in every installation, and has something of its own.
    """
    control_plane.kubectl("create", "namespace", "argocd")
    control_plane.kubectl(
        "create", "configmap", "argocd-cm", "--from-literal=url=https://argocd.example.com", namespace="argocd"
    )
    control_plane.kubectl(
        "patch", "configmap", "argocd-cm", "--patch-file", str(ARGOCD / "argocd-cm.yaml"), namespace="argocd"
    )
    return "argocd"


@pytest.fixture(scope="session")
def lived(control_plane: ControlPlane) -> Iterator[dict[str, dict[str, Any]]]:
    """Play the life of a release and give the Rollout in each of its states."""
    namespace = "gitops-life"
    control_plane.kubectl("create", "namespace", namespace)
    with Metrics().serving() as metrics:
        yield states.play(control_plane, metrics, namespace)
