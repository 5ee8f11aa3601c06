"""What Argo CD's notifications tell of a release, and what Flux reads of a notice, by their own code.

Their controllers were not run: what is asked is which trigger of Argo CD's catalog an Application sets off, once per
what, and what a notice becomes as an event of Flux.
"""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from msgspec.structs import replace

from reconcile.model.plan import Transition
from reconcile.notices.flux_event import flux_event
from tests.components.fixtures import available
from tests.components.tools import tool
from tests.support.pages import blocks
from tests.unit.report import factory

if TYPE_CHECKING:
    from collections.abc import Callable

    Triggers = Callable[..., list[list[str]]]

REVISION = "4f2c"
SYNC, DONE, LATER = "2026-01-31T12:00:00Z", "2026-01-31T12:30:00Z", "2026-01-31T12:30:05Z"
LONG_AGO = "2026-01-01T00:00:00Z"
PREFIX = "notifications.argoproj.io/subscribe."


def application(health: str, since: str, phase: str, finished: str | None = None) -> dict[str, Any]:
    """Returns an Application whose sync began at `SYNC`, and whose health is what it is since then."""
    operation = {"phase": phase, "startedAt": SYNC, "syncResult": {"revision": REVISION}}
    return {
        "metadata": {"name": "podinfo"},
        "status": {
            "health": {"status": health, "lastTransitionTime": since},
            "operationState": operation | ({"finishedAt": finished} if finished else {}),
        },
    }


def answer(question: dict[str, Any], config: pytest.Config) -> Any:
    """Returns what the judges say."""
    with available("notifications of Argo CD and Flux", config):
        program = tool("notifications")
    done = subprocess.run(
        [program], input=json.dumps(question), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def triggers(pytestconfig: pytest.Config) -> Triggers:
    """Returns a function that says what each trigger would send, and once per what."""
    with available("notifications of Argo CD and Flux", pytestconfig):
        catalog = tool("argocd-notifications-catalog").read_text(encoding="utf-8")

    def ask(app: dict[str, Any], *names: str) -> list[list[str]]:
        asked = [{"trigger": name, "app": app} for name in names]
        answers = answer({"catalog": catalog, "asked": asked}, pytestconfig)
        return [[*told["send"], told["once"]] for told in answers]

    return ask


def subscribed() -> list[str]:
    """Returns the triggers that the page subscribes to."""
    [found] = [block for block in blocks("yaml") if PREFIX in block.content]
    keys = yaml.safe_load(found.content)["metadata"]["annotations"]
    names = [key.removeprefix(PREFIX).split(".") for key in keys]
    assert {service for _, service in names} == {"slack"}
    return [trigger for trigger, _ in names]


NOTHING: list[str] = [""]
DEPLOYED, DEGRADED = ["app-deployed", REVISION], ["app-health-degraded", REVISION]


@pytest.mark.parametrize(
    ("app", "told"),
    [
        (application("Progressing", SYNC, "Running"), [NOTHING, NOTHING]),
        (application("Healthy", LATER, "Succeeded", DONE), [DEPLOYED, NOTHING]),
        (application("Degraded", DONE, "Failed", DONE), [NOTHING, DEGRADED]),
        (application("Degraded", DONE, "Running"), [NOTHING, DEGRADED]),
    ],
    ids=["the release goes on", "promoted", "rolled back", "held by its policy"],
)
def test_a_sync_that_makes_the_release_tells_how_it_ends_and_that_it_is_held(
    triggers: Triggers, app: dict[str, Any], told: list[list[str]]
) -> None:
    assert triggers(app, *subscribed()) == told


def test_a_sync_that_is_over_before_the_release_tells_of_it_too_early_and_only_once(triggers: Triggers) -> None:
    before_the_first_pass = application("Healthy", LONG_AGO, "Succeeded", "2026-01-31T12:00:03Z")
    promoted = application("Healthy", DONE, "Succeeded", "2026-01-31T12:00:03Z")
    assert triggers(before_the_first_pass, "on-deployed") == triggers(promoted, "on-deployed") == [DEPLOYED]


@pytest.mark.parametrize("transition", Transition)
def test_flux_reads_all_of_a_notice_but_what_is_for_slack(transition: Transition, pytestconfig: pytest.Config) -> None:
    event = replace(factory.event("Advance rollout podinfo.test weight 30"), transition=transition)
    notice = flux_event(factory.advancing(), event, factory.NOW, "pod")
    read = answer({"notice": notice}, pytestconfig)
    assert read == {key: value for key, value in notice.items() if key != "text"}
    assert read["severity"] in {"trace", "info", "error"}
