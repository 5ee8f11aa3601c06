"""The real components as pytest fixtures: each starts when the first test asks for it, and ends with the session.

A component that this machine cannot have skips the tests that ask for it, with the reason; with `CI=true` they fail.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

import pytest

from tests.components.controlplane import ControlPlane
from tests.components.kubernetes import running
from tests.components.mesh import Mesh
from tests.components.prometheus import PrometheusServer
from tests.components.sharing import SharedControlPlane, ask
from tests.components.tools import ToolUnavailable
from tests.components.verdicts import Verdicts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


HOST = "steerer_host"  # the key of workerinput for where to ask for the control plane of the run
skipped = pytest.StashKey[dict[str, str]]()


@contextmanager
def available(component: str, config: pytest.Config) -> Iterator[None]:
    """Turn "there is no such tool here" into a skip that the summary names, or into a failure where CI is true."""
    try:
        yield
    except ToolUnavailable as reason:
        if os.environ.get("CI") == "true":
            raise pytest.fail.Exception(f"{component}: {reason} (CI=true)", pytrace=False) from None
        config.stash.setdefault(skipped, {})[component] = str(reason)
        raise pytest.skip.Exception(f"{component}: {reason}") from None


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[ControlPlane]:
    """Give the run's control plane, which knows Istio's VirtualService and steerer's Rollout, as an admin sees it."""
    base = tmp_path_factory.getbasetemp()
    with ExitStack() as stack:
        with available("control plane", pytestconfig):
            if address := getattr(pytestconfig, "workerinput", {}).get(HOST):
                access = ask(address, base.parent / "control-plane")
            else:
                access = stack.enter_context(SharedControlPlane()).access(base / "control-plane")
        yield stack.enter_context(ControlPlane(access, tmp_path_factory.mktemp("admin")))


@pytest.fixture(scope="session")
def gateway_kinds(control_plane: ControlPlane) -> None:
    """Let the run's control plane know the Gateway API's HTTPRoute and GRPCRoute."""
    control_plane.install_gateway_kinds()


@contextmanager
def own_control_plane(
    config: pytest.Config, directory: Path, *, controllers: bool = True, kinds: bool = True
) -> Iterator[ControlPlane]:
    """Yields a control plane of the test's own, for what would be in the way of the others; see `running`."""
    with ExitStack() as stack:
        with available("control plane", config):
            plane = stack.enter_context(running(directory, controllers=controllers, kinds=kinds))
        yield plane


@pytest.fixture
def namespace(control_plane: ControlPlane) -> str:
    """Make a new namespace in the control plane. It is left behind: deleting it takes longer than all that is in it."""
    name = f"test-{uuid4().hex[:8]}"
    control_plane.create_namespace(name)
    return name


@pytest.fixture(scope="session")
def verdicts(control_plane: ControlPlane, pytestconfig: pytest.Config) -> Iterator[Verdicts]:
    """Give the judges of Flux and Argo CD, with the control plane before their eyes."""
    with ExitStack() as stack:
        with available("verdicts of Flux and Argo CD", pytestconfig):
            judges = stack.enter_context(Verdicts(control_plane.kubeconfig))
        yield judges


@pytest.fixture(scope="session")
def running_mesh(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Mesh]:
    """Give the mesh that all tests share, one after the other."""
    with ExitStack() as stack:
        with available("mesh", pytestconfig):
            mesh = stack.enter_context(Mesh(tmp_path_factory.mktemp("mesh")))
        yield mesh


@pytest.fixture
def mesh(running_mesh: Mesh) -> Iterator[Mesh]:
    """Give the mesh under a steady load, with all weight on the primary."""
    running_mesh.route(100, 0)
    with running_mesh.load():
        yield running_mesh


class StartPrometheus(Protocol):
    """What `start_prometheus` gives."""

    def __call__(self, *, config: str | Mapping[str, Any] = "", openmetrics: str | None = None) -> PrometheusServer:
        """Start a server that runs until the end of the test; the arguments are those of PrometheusServer."""
        ...


@pytest.fixture
def start_prometheus(tmp_path: Path, pytestconfig: pytest.Config) -> Iterator[StartPrometheus]:
    """Give a function that starts Prometheus servers for this test."""
    with ExitStack() as stack:

        def start(*, config: str | Mapping[str, Any] = "", openmetrics: str | None = None) -> PrometheusServer:
            directory = tmp_path / f"prometheus-{uuid4().hex[:8]}"
            with available("Prometheus", pytestconfig):
                return stack.enter_context(PrometheusServer(directory, config=config, openmetrics=openmetrics))

        yield start
