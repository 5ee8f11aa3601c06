"""A cluster in memory with its metrics, whose plan is saved, and applied five minutes later."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from reconcile.engine import saved_plan
from reconcile.engine.one_pass import Pass
from reconcile.engine.saved_plan_check import accept_or_refuse
from reconcile.engine.selection import Selection
from reconcile.model.kinds import DEPLOYMENT, ROLLOUT, SERVICE, VIRTUAL_SERVICE, Ref
from reconcile.model.settings import Settings
from tests.support.fakes import FixedMeter, MemoryCluster
from tests.support.world import DURATION, METRICS, START, SUCCESS, release

if TYPE_CHECKING:
    from reconcile.model.kinds import Manifest
    from reconcile.model.plan import Record


R, VS, SERVICE_C = Ref(ROLLOUT, "test", "a"), Ref(VIRTUAL_SERVICE, "test", "a"), Ref(SERVICE, "test", "a-canary")


P, C = Ref(DEPLOYMENT, "test", "a"), Ref(DEPLOYMENT, "test", "a-canary")


LATER = START + timedelta(minutes=5)


GOOD = {SUCCESS: 100.0, DURATION: 100.0}


WEIGHT = ("spec", "http", 0, "route", 1, "weight")


class World:
    """A cluster, the metrics, and passes over it."""

    def __init__(self, *manifests: Manifest) -> None:
        self.cluster = MemoryCluster(manifests or release("a", 10))
        self.meter: type[FixedMeter] = FixedMeter
        self.values: dict[str, Any] = dict(GOOD)
        self.metrics = METRICS
        self.interval = 60.0

    def one(self, at: Any = START, refs: frozenset[Ref] = frozenset()) -> Pass:
        """Give a pass over it."""
        return Pass(
            cluster=self.cluster,
            meter=self.meter(**self.values),
            settings=Settings(metrics=self.metrics, interval=self.interval),
            selection=Selection(refs=refs),
            now=lambda: at,
        )

    def save(self) -> dict[str, Any]:
        """Give what a plan is saved as."""
        made = list(self.one().plans())
        content = saved_plan.to_document(made, version="0.0.0", source="https://here", time=START)
        again: dict[str, Any] = json.loads(json.dumps(content))
        return again

    def apply(self, content: dict[str, Any]) -> list[Record]:
        """Apply it, five minutes later."""
        plan = saved_plan.parse(json.dumps(content), "plan.json")
        one = self.one(LATER, frozenset(plan.entries))
        objects = self.cluster.fetch(plan.targets)
        return list(one.write(accept_or_refuse(plan, list(one.plans()), objects, LATER)))


def again(content: dict[str, Any]) -> dict[str, Any]:
    """Sum up what was edited, as somebody would who knows how."""
    content.pop("sha256")
    return content | {"sha256": saved_plan.checksum(content)}


def places(value: Any) -> list[tuple[Any, Any]]:
    """Give every member in a document, with what it is in."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, member in [*pairs] for place in [(value, key), *places(member)]]
