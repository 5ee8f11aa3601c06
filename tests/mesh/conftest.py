"""What the tests of this folder share: a release in a cluster and a mesh, under the requests of users."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.components.fixtures import available
from tests.components.mesh import Mesh, Shim
from tests.mesh.release import Release

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.components.controlplane import ControlPlane


@pytest.fixture
def release(
    control_plane: ControlPlane, namespace: str, tmp_path: Path, pytestconfig: pytest.Config
) -> Iterator[Release]:
    """Give the example, running, under steady requests that Prometheus sees; no pass has been made."""
    with ExitStack() as stack:
        with available("mesh", pytestconfig):
            mesh = stack.enter_context(Mesh(tmp_path / "mesh", namespace=namespace))
        release = Release(control_plane, mesh, namespace)
        stack.enter_context(release.session)
        release.apply()
        stack.enter_context(Shim(mesh, release.weights_for_the_proxy))
        stack.enter_context(release.users)
        release.wait_seen(mesh.primary)
        yield release
