"""Helm, in both versions that people have, and a control plane that knows nothing of steerer yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.components.fixtures import available, own_control_plane
from tests.components.tools import tool
from tests.helm.installed import chart_on
from tests.helm.rendering import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.components.controlplane import ControlPlane
    from tests.helm.installed import Installed

HELMS = ("helm", "helm4")


@pytest.fixture(scope="session", autouse=True)
def helms(pytestconfig: pytest.Config) -> None:
    """Build both before the first test asks for one; without Go the tests are skipped."""
    with available("Helm", pytestconfig):
        for name in HELMS:
            tool(name)


@pytest.fixture(params=HELMS)
def program(request: pytest.FixtureRequest) -> str:
    """Name Helm 3, then Helm 4."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def bare_plane(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[ControlPlane]:
    """Give a control plane without the Rollout resource, whose namespace for steerer admits restricted pods only."""
    with own_control_plane(pytestconfig, tmp_path_factory.mktemp("bare-plane"), kinds=False) as plane:
        plane.install_istio_crds()
        plane.create_namespace(NAMESPACE)
        plane.kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
        yield plane


@pytest.fixture
def installed(bare_plane: ControlPlane) -> Iterator[Installed]:
    """Give the chart, not installed yet, beside a metrics server that finds everything well."""
    with chart_on(bare_plane) as chart:
        yield chart
