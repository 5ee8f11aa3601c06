"""One release on one stage: what users do to it, the passes over it, and the whole story of both.

Only a driver; the lives are in `lives`, the races in `races`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from reconcile.engine.apply import apply
from reconcile.engine.one_pass import Pass
from reconcile.engine.selection import Selection
from reconcile.model.kinds import DEPLOYMENT, EVENT, KINDS, ROLLOUT, VIRTUAL_SERVICE
from reconcile.model.plan import Result
from reconcile.model.settings import Settings
from tests.contract import comparison as alike
from tests.support.fakes import FixedMeter
from tests.support.world import DURATION, METRICS, SUCCESS, VS, C, P, R, deployment, standard

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconcile.model.kinds import Manifest, Ref
    from reconcile.model.plan import Plan, Record
    from reconcile.model.ports import Cluster
    from tests.contract.sandboxes import Stage

# What was decided and what was stored then, pass by pass, as far as it must be alike.
Story = list[dict[str, Any]]

# All clusters see the same times, so that what is stored of them can be compared as well. They are to come: whoever
# the API server says wrote before then wrote before any pass, and only it keeps such records.
START = datetime(2100, 1, 31, 12, 0, tzinfo=UTC)
# How the messages begin of which others may rely on every word.
FIXED = ("Starting rollout", "Advance rollout", "Copying", "Waiting for", "Promotion complete!")
MINUTE = timedelta(minutes=1)


class Play:
    """A release that lives on a stage. `story` is what was decided and what was stored, pass by pass."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.meter = FixedMeter(**{SUCCESS: 100.0, DURATION: 100.0})
        self.now = START
        self.interval = Settings().interval
        self.story: Story = []
        self._names = alike.Names()
        self._seen: dict[str, Any] = {}

    # What users do.

    def begin(self, *extra: Manifest, **analysis: Any) -> None:
        """Store the standard world with more objects, or some in place of those of their name, and roll it out.

        One pod each is enough for most lives; the others bring Deployments of their own.
        """
        replaced = {(item["kind"], item["metadata"]["name"]) for item in extra}
        small = [deployment("podinfo", "1.2.0", 1), deployment("podinfo-canary", "1.2.1", 1)]
        usual = [*small, *(item for item in standard(**analysis) if item["kind"] != DEPLOYMENT.name)]
        for item in [*(item for item in usual if (item["kind"], item["metadata"]["name"]) not in replaced), *extra]:
            metadata = {key: value for key, value in item["metadata"].items() if key != "namespace"}
            self.stage.create(item | {"metadata": metadata})
        self.stage.settle()

    def edit(self, ref: Ref, change: Manifest, *, settle: bool = True) -> None:
        """Change an object as a user does, and let the controllers follow."""
        self.stage.change(self.at(ref), change)
        if settle:
            self.stage.settle()

    def revise(self, image: str) -> None:
        """Give the canary a new image."""
        self.edit(C, template(containers=[{"name": "podinfo", "image": f"podinfo:{image}"}]))

    def weigh(self, weight: int) -> None:
        """Move the weights by hand."""
        self.edit(VS, self._weighed(weight))

    def put_back(self, weight: int, manager: str) -> None:
        """Move the weights as a GitOps tool does, under its name."""
        self.stage.change(self.at(VS), self._weighed(weight), manager=manager)

    def _weighed(self, weight: int) -> Manifest:
        http = self.stored(VS)["spec"]["http"]
        for route in http:
            for entry in route.get("route", ()):
                if "weight" in entry:
                    entry["weight"] = weight if entry["destination"]["host"] == "podinfo-canary" else 100 - weight
        return {"spec": {"http": http}}

    # Passes.

    def plan(self, cluster: Cluster | None = None) -> Plan:
        """Decide, and write nothing."""
        return next(iter(self.pass_(cluster).plans())).plan

    def run(self, cluster: Cluster | None = None) -> Record:
        """Make one pass; let the controllers finish what follows from it, and a minute pass."""
        made = next(iter(self.pass_(cluster).run()))
        return self._told(made)

    def attempt(self) -> list[Record]:
        """Make one pass that may fail in any way; let the controllers finish what follows, and a minute pass."""
        try:
            return list(self.pass_().run())
        finally:
            self.pause()

    def apply(self, plan: Plan, cluster: Cluster | None = None) -> Record:
        """Write a plan that was made before."""
        return apply(plan, cluster or self.stage.cluster, self.now)

    def die(self, writes: int) -> Plan:
        """Make one pass that ends after so many writes, as if its process had been killed."""
        plan = self.plan()
        for patch in plan.patches[:writes]:
            self.stage.cluster.patch(patch)
        self.stage.settle()
        self.now += MINUTE
        return plan

    def until(self, there: Callable[[], bool], most: int = 30) -> None:
        """Make passes until something is so."""
        for _ in range(most):
            self.run()
            if there():
                return
        raise AssertionError(f"not there after {most} passes: {self.status}, {self.weights}")

    def until_phase(self, phase: str) -> None:
        """Make passes until the Rollout is in a phase."""
        self.until(lambda: self._seen[str(self.at(R))]["status"].get("phase") == phase)

    def until_weight(self, weight: int) -> None:
        """Make passes until the canary has a weight."""
        self.until(lambda: set(_weights(self._seen[str(self.at(VS))])) == {weight})

    def pause(self) -> None:
        """Let a minute pass and the controllers do their work; nobody looks."""
        self.stage.settle()
        self.now += MINUTE

    def look(self) -> None:
        """Let the controllers do their work and a minute pass, and put what is there then into the story."""
        self.pause()
        self._tell({"objects": self.objects})

    def _tell(self, entry: dict[str, Any]) -> None:
        self.story.append(self._names.rename(entry))

    def pass_(self, cluster: Cluster | None = None) -> Pass:
        """Give a pass at the present time."""
        now = self.now
        return Pass(
            cluster=cluster or self.stage.cluster,
            meter=self.meter,
            settings=Settings(metrics=METRICS, interval=self.interval),
            selection=Selection(namespaces=(self.stage.namespace,)),
            now=lambda: now,
        )

    def _told(self, made: Record) -> Record:
        assert made.result is not Result.FAILED, made.error
        if any(patch.target.kind == DEPLOYMENT for patch in made.plan.patches):
            self.stage.settle()
        self.now += MINUTE
        self._seen = self.objects
        self._tell({"pass": alike.record(made), "objects": self._seen})
        return made

    # What is there.

    def at(self, ref: Ref) -> Ref:
        """Give the name of one of the world's objects on this stage."""
        return replace(ref, namespace=self.stage.namespace)

    def stored(self, ref: Ref) -> Manifest:
        """Give one of the world's objects."""
        return self.stage.one(self.at(ref))

    @property
    def objects(self) -> dict[str, Any]:
        """All that a pass may write but Events, as far as it must be alike."""
        return alike.objects(self.stage.stored(ROLLOUT, DEPLOYMENT, VIRTUAL_SERVICE))

    @property
    def events(self) -> list[dict[str, Any]]:
        """The Events in their order, as far as they must be alike."""
        return alike.events(self.stage.stored(EVENT))

    def end(self) -> None:
        """Put all that is there at the end into the story: what was said, and what no pass writes included."""
        every = self.stage.stored(*(kind for kind in KINDS.values() if kind != EVENT))
        self._tell({"end": alike.objects(every), "events": self.events})

    @property
    def status(self) -> Manifest:
        """The Rollout's status."""
        return dict(self.stored(R).get("status") or {})

    @property
    def phase(self) -> str:
        """The Rollout's phase."""
        return str(self.status.get("phase", ""))

    @property
    def weights(self) -> list[int | None]:
        """The canary's weight in each route that has both."""
        return _weights(self.stored(VS))

    @property
    def images(self) -> tuple[str, str]:
        """The versions that primary and canary ask for."""
        primary, canary = (
            str(self.stored(ref)["spec"]["template"]["spec"]["containers"][0]["image"]).removeprefix("podinfo:")
            for ref in (P, C)
        )
        return primary, canary

    @property
    def replicas(self) -> tuple[int, int]:
        """The sizes that primary and canary ask for."""
        primary, canary = (int(self.stored(ref)["spec"].get("replicas", 1)) for ref in (P, C))
        return primary, canary

    @property
    def said(self) -> list[str]:
        """The Events whose words are fixed, in their order, without the namespace; not the halts."""
        messages = [item["message"].replace(f".{self.stage.namespace}", "") for item in self.events]
        return [message for message in messages if message.startswith(FIXED)]

    @property
    def moves(self) -> list[str]:
        """What the passes did so far."""
        return [entry["pass"]["move"] for entry in self.story if "pass" in entry]


def _weights(virtual_service: Manifest) -> list[int | None]:
    found = []
    for route in virtual_service["spec"]["http"]:
        by_host = {item["destination"]["host"]: item.get("weight") for item in route.get("route", ())}
        if {"podinfo", "podinfo-canary"} <= set(by_host):
            found.append(by_host["podinfo-canary"])
    return found


def template(*, labels: Manifest | None = None, annotations: Manifest | None = None, **spec: Any) -> Manifest:
    """Write a change of a pod template."""
    metadata = {key: value for key, value in (("labels", labels), ("annotations", annotations)) if value is not None}
    return {"spec": {"template": {"metadata": metadata, "spec": spec}}}
