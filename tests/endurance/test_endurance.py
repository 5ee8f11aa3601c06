"""A short play on the real API server, and that what must not be would be noticed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.endurance import numbers
from tests.endurance.apps import install
from tests.endurance.judged import broken
from tests.endurance.loops import Held, quarters
from tests.endurance.play import Play, Script

if TYPE_CHECKING:
    from pathlib import Path

    from tests.components.controlplane import ControlPlane

SHORT = Script(passes=50, rollouts=6, seed=5, minutes=15, interval=1.5, faults=0.01, rest=0.4)


@pytest.mark.timeout(1200)  # half a minute on two cores of its own
def test_a_short_play_holds_every_law_and_every_release_ends(control_plane: ControlPlane, tmp_path: Path) -> None:
    play = Play(script=SHORT, plane=control_plane, scratch=tmp_path)

    play.run()

    assert numbers.wrong(play) == []
    found = numbers.counted(play)
    assert found["passes"] >= SHORT.passes
    assert found["killed"] >= 1
    assert found["writes"] > 50
    assert found["faults of the API server"]
    assert {"start", "advance"} <= found["moves"].keys()


def test_a_write_that_breaks_a_law_is_noticed(control_plane: ControlPlane) -> None:
    mark = control_plane.mark()
    [app] = install(control_plane, 1)
    assert broken(control_plane, mark, [app]) == (0, [])

    steps = ((0, 0), (1, 100))
    body = [{"op": "add", "path": f"/spec/http/0/route/{end}/weight", "value": weight} for end, weight in steps]
    rogue(control_plane, "GET", "/apis/apps.weave.works/v1beta1/rollouts")
    rogue(control_plane, "PATCH", f"{ISTIO}/namespaces/{app.namespace}/virtualservices/{app.name}", json.dumps(body))

    writes, found = broken(control_plane, mark, [app])
    assert writes == 1
    assert {text.partition(": ")[2][:2] for text in found} == {"11", "2:", "3:"}


ISTIO = "/apis/networking.istio.io/v1"


def rogue(plane: ControlPlane, method: str, path: str, body: str = "") -> None:
    """Ask something as steerer would that has no manners."""
    headers = {
        "Authorization": f"Bearer {plane.token}",
        "Content-Type": "application/json-patch+json",
        "User-Agent": "steerer/rogue",
    }
    plane.session.request(method, plane.url + path, data=body, headers=headers, timeout=30).raise_for_status()


def held(memory: int, files: int = 20) -> Held:
    return Held(memory=memory, files=files, sockets=15, locks=0, threads=17)


@pytest.mark.parametrize(
    ("growing", "name"),
    [
        ([held(40_000_000 + 50_000 * number) for number in range(400)], "memory"),
        ([held(40_000_000, 20 + number // 100) for number in range(400)], "files"),
    ],
)
def test_what_grows_for_as_long_as_it_lives_is_noticed(growing: list[Held], name: str) -> None:
    assert [one for one in numbers.grown(growing) if one in name] == [name]
    assert numbers.grown([held(40_000_000)] * 400) == []


def test_a_life_is_looked_at_once_it_is_warm() -> None:
    samples = [*(held(number) for number in range(20)), *[held(40)] * 380]
    assert quarters(samples)["memory"] == (40, 40)


def test_the_numbers_of_the_page_are_those_of_a_run() -> None:
    numbers.RECORD.check()
