"""One release in one sandbox: what users do to it, the passes over it, and the history of both."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from reconcile.engine.apply import apply
from reconcile.engine.one_pass import Pass
from reconcile.engine.selection import Selection
from reconcile.model.actions import PREFIX
from reconcile.model.kinds import DEPLOYMENT, EVENT, KINDS, ROLLOUT, VIRTUAL_SERVICE
from reconcile.model.plan import Result
from reconcile.model.settings import Settings
from reconcile.model.template_hash import revision
from tests.contract import comparison
from tests.support.fakes import FixedMeter
from tests.support.world import DURATION, METRICS, SUCCESS, VS, C, P, R, deployment, standard

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconcile.model.kinds import Manifest, Ref
    from reconcile.model.plan import Plan, Record
    from reconcile.model.ports import Cluster
    from tests.contract.sandboxes import Sandbox

# What was decided and what was stored after it, pass by pass; only what has to be equal in all clusters.
History = list[dict[str, Any]]

# All clusters see the same times, so that stored times can be compared as well. They are in the future: then each entry
# of the API server's managedFields is from before any pass; the other clusters keep no such times.
START = datetime(2100, 1, 31, 12, 0, tzinfo=UTC)
# The first words of the messages that are fixed to the letter.
FIXED = ("Starting rollout", "Advance rollout", "Copying", "Waiting for", "Promotion complete!")
MINUTE = timedelta(minutes=1)


class Release:
    """A release in a sandbox. `history` is what was decided and what was stored, pass by pass."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.meter = FixedMeter(**{SUCCESS: 100.0, DURATION: 100.0})
        self.now = START
        self.interval = Settings().interval
        self.history: History = []
        self._names = comparison.Names()
        self._observed: dict[str, Any] = {}

    # What users do.

    def begin(self, *extra: Manifest, **analysis: Any) -> None:
        """Stores the standard world and rolls it out; an `extra` object replaces the one with its name.

        Deployments have one pod each; scenarios that need more pass their own.
        """
        replaced = {(item["kind"], item["metadata"]["name"]) for item in extra}
        small = [deployment("podinfo", "1.2.0", 1), deployment("podinfo-canary", "1.2.1", 1)]
        usual = [*small, *(item for item in standard(**analysis) if item["kind"] != DEPLOYMENT.name)]
        for item in [*(item for item in usual if (item["kind"], item["metadata"]["name"]) not in replaced), *extra]:
            metadata = {key: value for key, value in item["metadata"].items() if key != "namespace"}
            self.sandbox.create(item | {"metadata": metadata})
        self.sandbox.settle()

    def edit(self, ref: Ref, change: Manifest, *, settle: bool = True) -> None:
        """Changes an object as a user does, and lets the controllers follow."""
        self.sandbox.change(self.ref(ref), change)
        if settle:
            self.sandbox.settle()

    def revise(self, image: str) -> None:
        """Changes the image of the canary."""
        self.edit(C, template(containers=[{"name": "podinfo", "image": f"podinfo:{image}"}]))

    def ask(self, **actions: str | None) -> None:
        """Annotates the Rollout as a person does; `{}` in a value is the canary's present revision, None takes it out.

        Nothing is rolled out for that, so no controller is waited for.
        """
        here = revision(self.stored(C)["spec"]["template"])
        annotations = {
            f"{PREFIX}{action}": None if value is None else value.format(here) for action, value in actions.items()
        }
        self.edit(R, {"metadata": {"annotations": annotations}}, settle=False)

    def move_weights(self, weight: int) -> None:
        """Moves the weights by hand."""
        self.edit(VS, self._with_weight(weight))

    def move_weights_as(self, weight: int, manager: str) -> None:
        """Moves the weights as a GitOps tool does, under its name."""
        self.sandbox.change(self.ref(VS), self._with_weight(weight), manager=manager)

    def _with_weight(self, weight: int) -> Manifest:
        http = self.stored(VS)["spec"]["http"]
        for route in http:
            for entry in route.get("route", ()):
                if "weight" in entry:
                    entry["weight"] = weight if entry["destination"]["host"] == "podinfo-canary" else 100 - weight
        return {"spec": {"http": http}}

    # Passes.

    def plan(self, cluster: Cluster | None = None) -> Plan:
        """Returns the plan of the next pass; writes nothing."""
        return next(iter(self.new_pass(cluster).plans())).plan

    def run(self, cluster: Cluster | None = None) -> Record:
        """Makes one pass; lets the controllers finish, and a minute go by."""
        return self._finish(next(iter(self.new_pass(cluster).run())))

    def attempt(self) -> list[Record]:
        """Makes one pass that may fail in any way; lets the controllers finish, and a minute go by."""
        try:
            return list(self.new_pass().run())
        finally:
            self.pause()

    def apply(self, plan: Plan, cluster: Cluster | None = None) -> Record:
        """Writes a plan that was made before."""
        return apply(plan, cluster or self.sandbox.cluster, self.now)

    def run_partly(self, writes: int) -> Plan:
        """Makes one pass that ends after so many writes, as if its process had been killed."""
        plan = self.plan()
        for patch in plan.patches[:writes]:
            self.sandbox.cluster.patch(patch)
        self.sandbox.settle()
        self.now += MINUTE
        return plan

    def until(self, condition: Callable[[], bool], most: int = 30) -> None:
        """Makes passes until a condition holds."""
        for _ in range(most):
            self.run()
            if condition():
                return
        raise AssertionError(f"not there after {most} passes: {self.status}, {self.weights}")

    def until_phase(self, phase: str) -> None:
        """Makes passes until the Rollout is in a phase."""
        self.until(lambda: self._observed[str(self.ref(R))]["status"].get("phase") == phase)

    def until_weight(self, weight: int) -> None:
        """Makes passes until the canary has a weight."""
        self.until(lambda: set(_weights(self._observed[str(self.ref(VS))])) == {weight})

    def pause(self) -> None:
        """Lets the controllers finish, and a minute go by; records nothing."""
        self.sandbox.settle()
        self.now += MINUTE

    def observe(self) -> None:
        """Lets the controllers finish, and a minute go by; records the objects."""
        self.pause()
        self._append({"objects": self.objects})

    def _append(self, entry: dict[str, Any]) -> None:
        self.history.append(self._names.rename(entry))

    def new_pass(self, cluster: Cluster | None = None) -> Pass:
        """Returns a pass at the present time."""
        now = self.now
        return Pass(
            cluster=cluster or self.sandbox.cluster,
            meter=self.meter,
            settings=Settings(metrics=METRICS, interval=self.interval),
            selection=Selection(namespaces=(self.sandbox.namespace,)),
            now=lambda: now,
        )

    def _finish(self, made: Record) -> Record:
        assert made.result is not Result.FAILED, made.error
        if any(patch.target.kind == DEPLOYMENT for patch in made.plan.patches):
            self.sandbox.settle()
        self.now += MINUTE
        self._observed = self.objects
        self._append({"pass": comparison.record(made), "objects": self._observed})
        return made

    # What is stored.

    def ref(self, ref: Ref) -> Ref:
        """Returns the name that an object of the standard world has in this sandbox."""
        return replace(ref, namespace=self.sandbox.namespace)

    def stored(self, ref: Ref) -> Manifest:
        """Returns an object of the standard world as it is stored."""
        return self.sandbox.get(self.ref(ref))

    @property
    def objects(self) -> dict[str, Any]:
        """All that a pass may write, without Events; only what has to be equal in all clusters."""
        return comparison.objects(self.sandbox.stored(ROLLOUT, DEPLOYMENT, VIRTUAL_SERVICE))

    @property
    def events(self) -> list[dict[str, Any]]:
        """The Events in their order; only what has to be equal in all clusters."""
        return comparison.events(self.sandbox.stored(EVENT))

    def end(self) -> None:
        """Records all objects and Events at the end, also the objects that no pass writes."""
        every = self.sandbox.stored(*(kind for kind in KINDS.values() if kind != EVENT))
        self._append({"end": comparison.objects(every), "events": self.events})

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
        """The image tags of primary and canary."""
        primary, canary = (
            str(self.stored(ref)["spec"]["template"]["spec"]["containers"][0]["image"]).removeprefix("podinfo:")
            for ref in (P, C)
        )
        return primary, canary

    @property
    def replicas(self) -> tuple[int, int]:
        """The replicas that primary and canary ask for."""
        primary, canary = (int(self.stored(ref)["spec"].get("replicas", 1)) for ref in (P, C))
        return primary, canary

    @property
    def messages(self) -> list[str]:
        """The messages of the Events that begin with FIXED words, in order, without the namespace."""
        messages = [item["message"].replace(f".{self.sandbox.namespace}", "") for item in self.events]
        return [message for message in messages if message.startswith(FIXED)]

    @property
    def moves(self) -> list[str]:
        """The moves of the passes so far."""
        return [entry["pass"]["move"] for entry in self.history if "pass" in entry]


def _weights(virtual_service: Manifest) -> list[int | None]:
    found = []
    for route in virtual_service["spec"]["http"]:
        by_host = {item["destination"]["host"]: item.get("weight") for item in route.get("route", ())}
        if {"podinfo", "podinfo-canary"} <= set(by_host):
            found.append(by_host["podinfo-canary"])
    return found


def template(*, labels: Manifest | None = None, annotations: Manifest | None = None, **spec: Any) -> Manifest:
    """Returns a merge patch of a pod template."""
    metadata = {key: value for key, value in (("labels", labels), ("annotations", annotations)) if value is not None}
    return {"spec": {"template": {"metadata": metadata, "spec": spec}}}
