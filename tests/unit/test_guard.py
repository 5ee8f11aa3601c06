"""What a unit test must not ask for it does not get."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from tests.support.offline.sitecustomize import tried
from tests.support.program import environment

ELSEWHERE = ("192.0.2.1", 80)  # of TEST-NET-1: nobody's


@pytest.mark.parametrize("component", ["control_plane", "namespace", "running_mesh", "start_prometheus"])
def test_no_real_component(request: pytest.FixtureRequest, component: str) -> None:
    with pytest.raises(pytest.fail.Exception, match="asks for a real component"):
        request.getfixturevalue(component)


def test_no_other_machine() -> None:
    with pytest.raises(AssertionError, match=ELSEWHERE[0]):
        socket.create_connection(ELSEWHERE)
    with pytest.raises(AssertionError, match=r"example\.com"):
        socket.create_connection(("example.com", 80))
    assert len(tried) == 2
    tried.clear()


def test_no_other_machine_for_the_program_either() -> None:
    code = f"import socket; socket.create_connection({ELSEWHERE})"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False)
    assert "only this machine may be spoken to" in done.stderr
