"""The real components as pytest fixtures: each starts when the first test asks for it, and ends with the session.

A component that this machine cannot have skips the tests that ask for it, with the reason; with `CI=true` they fail.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.components.controlplane import ControlPlane
from tests.components.tools import ToolUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

CRD = Path(__file__).parent.parent.parent / "manifests" / "crd.yaml"

skipped = pytest.StashKey[dict[str, str]]()


@contextmanager
def available(component: str, config: pytest.Config) -> Iterator[None]:
    """Turn "there is no such tool here" into a skip that the summary names, or into a failure where CI is true."""
    try:
        yield
    except ToolUnavailable as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{component}: {reason} (a failure, as CI=true)", pytrace=False)
        config.stash.setdefault(skipped, {})[component] = str(reason)
        pytest.skip(f"{component}: {reason}")


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[ControlPlane]:
    """Give a control plane that knows Istio's VirtualService and, where its CRD exists, steerer's Rollout."""
    with ExitStack() as stack:
        with available("control plane", pytestconfig):
            plane = stack.enter_context(ControlPlane(tmp_path_factory.mktemp("control-plane")))
            plane.install_istio_crds()
        plane.install_crds(path for path in [CRD] if path.exists())
        yield plane


@pytest.fixture
def namespace(control_plane: ControlPlane) -> str:
    """Make a new namespace in the control plane. It is left behind: deleting it takes longer than all that is in it."""
    name = f"test-{uuid4().hex[:8]}"
    control_plane.kubectl("create", "namespace", name)
    return name
