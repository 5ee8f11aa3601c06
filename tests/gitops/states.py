"""A Rollout in each state that others can meet it in, taken from real passes on the real API server.

One life of a release, stopped wherever the stored Rollout says something else. Nothing in here is written by hand but
what a user does, and a right that somebody has forgotten to grant.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconcile.model import rights
from reconcile.model.actions import ANY_REVISION, Action
from tests.apiserver.steering import DURATION, Metrics, Steerer, account, get, install, rolled_out

if TYPE_CHECKING:
    from tests.components.controlplane import ControlPlane

RIGHTS = rights.rules(rights.PASS)


NEW = "new: no pass has seen it"
INITIALIZED = "at rest, nothing released yet"
CHANGED = "the canary has a new template that no pass has seen"
SCALED_UP = "under way: the canary is scaled up"
REFUSED = "a write was refused"
STARTED = "under way, with traffic"
HALTED = "halted"
MAXIMUM = "under way, at the maximum"
PROMOTING = "promoting"
FINALISING = "finalising"
SUCCEEDED = "promoted"
WAITING = "waits for an approval"
HELD = "paused by a person"
PAUSED = "a limit was passed, and the policy is to pause"
ROLLING_BACK = "rolling back"
FAILED = "rolled back"
MISSING = "halted at rest: an object is missing"
RESPECIFIED = "its spec was changed, and no pass has seen that"
INVALID = "invalid"


@dataclass(kw_only=True)
class Life:
    """A release under way; `states` has the stored Rollout by the name of the state, in the order of the story."""

    plane: ControlPlane
    steerer: Steerer
    metrics: Metrics
    states: dict[str, dict[str, Any]] = field(default_factory=dict)

    def note(self, state: str) -> None:
        """Keep the Rollout as it is stored now."""
        self.states[state] = get(self.plane, "rollout/podinfo", self.steerer.namespace)

    def passes(self, move: str, state: str) -> None:
        """Make one pass, expect this move of it, and keep what it leaves behind."""
        self.makes(move)
        self.note(state)

    def makes(self, move: str) -> None:
        """Make one pass, and expect this move of it."""
        done = self.steerer.passes()
        assert done.record["move"] == move, done.out + done.err

    def settled(self) -> None:
        """Wait for the controllers."""
        rolled_out(self.plane, self.steerer.namespace, "podinfo", "podinfo-canary")


def play(plane: ControlPlane, metrics: Metrics, namespace: str) -> dict[str, dict[str, Any]]:
    """Play the life in a new namespace and give its states."""
    steerer = Steerer(kubeconfig=account(plane, namespace, RIGHTS), metrics=metrics.url, namespace=namespace)
    life = Life(plane=plane, steerer=steerer, metrics=metrics)
    install(plane, namespace, stepWeight=50)
    _before_the_first(life)
    _under_way(life)
    _to_the_end(life)
    _held_and_rolled_back(life)
    _broken(life)
    return life.states


def image(life: Life, tag: str) -> None:
    """Let a user release an image."""
    life.plane.set_image("podinfo-canary", life.steerer.namespace, f"quay.io/stefanprodan/podinfo:{tag}")


def _before_the_first(life: Life) -> None:
    life.plane.set_image("podinfo", life.steerer.namespace, "quay.io/stefanprodan/podinfo:1.2.1")
    life.plane.patch("deployment/podinfo-canary", life.steerer.namespace, {"spec": {"replicas": 0}})
    life.settled()
    life.note(NEW)
    life.passes("initialize", INITIALIZED)
    image(life, "1.2.2")
    life.note(CHANGED)


def _under_way(life: Life) -> None:
    life.passes("scale up", SCALED_UP)
    life.settled()
    _without_the_right_to_move_a_weight(life)
    life.passes("start", STARTED)
    life.metrics.values[DURATION] = "823"
    life.passes("halt", HALTED)
    life.metrics.good()


def _without_the_right_to_move_a_weight(life: Life) -> None:
    fewer = [rule | {"verbs": ["get", "list"]} if "virtualservices" in rule["resources"] else rule for rule in RIGHTS]
    account(life.plane, life.steerer.namespace, fewer)
    done = life.steerer.passes(expect=None)
    assert done.record["result"] == "failed", done.out + done.err
    life.note(REFUSED)
    account(life.plane, life.steerer.namespace, RIGHTS)


def _to_the_end(life: Life) -> None:
    life.passes("advance", MAXIMUM)
    life.passes("promote", PROMOTING)
    life.settled()
    life.passes("conclude", FINALISING)
    life.passes("retire", SUCCEEDED)


def _held_and_rolled_back(life: Life) -> None:
    analysis = {"maxWeight": None, "stepWeight": None, "steps": [{"weight": 50, "approval": True}, {"weight": 100}]}
    _edit(life, {"spec": {"canaryAnalysis": analysis | {"onFailure": "Pause", "failureLimit": 0}}})
    image(life, "1.2.3")
    life.makes("scale up")
    life.settled()
    life.makes("start")
    life.passes("hold", WAITING)
    _edit(life, {"metadata": {"annotations": {Action.PAUSE.annotation: ANY_REVISION}}})
    life.passes("hold", HELD)
    _edit(life, {"metadata": {"annotations": {Action.PAUSE.annotation: None}}})
    life.metrics.values[DURATION] = "823"
    life.passes("halt", PAUSED)
    life.metrics.good()
    revision = get(life.plane, "rollout/podinfo", life.steerer.namespace)["status"]["canaryRevision"]
    _edit(life, {"metadata": {"annotations": {Action.ABORT.annotation: revision}}})
    life.passes("roll back", ROLLING_BACK)
    life.passes("give up", FAILED)
    image(life, "1.2.2")  # what the primary runs
    life.makes("return")


def _edit(life: Life, changes: dict[str, Any]) -> None:
    life.plane.patch("rollout/podinfo", life.steerer.namespace, changes)


def _broken(life: Life) -> None:
    life.plane.delete("deployment/podinfo-canary", life.steerer.namespace)
    life.passes("halt", MISSING)
    unknown = {"spec": {"canaryAnalysis": {"metrics": [{"name": "latency", "threshold": 500}]}}}
    _edit(life, unknown)
    life.note(RESPECIFIED)
    life.passes("halt", INVALID)
