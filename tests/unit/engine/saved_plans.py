"""A cluster in memory and its metrics. A plan for it is saved, and applied five minutes later."""

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

    def one_pass(self, at: Any = START, refs: frozenset[Ref] = frozenset()) -> Pass:
        """Returns a pass over the cluster."""
        return Pass(
            cluster=self.cluster,
            meter=self.meter(**self.values),
            settings=Settings(metrics=self.metrics, interval=self.interval),
            selection=Selection(refs=refs),
            now=lambda: at,
        )

    def save(self) -> dict[str, Any]:
        """Returns the document of a plan, as it is read from a file."""
        records = list(self.one_pass().plans())
        content = saved_plan.to_document(records, version="0.0.0", source="https://here", time=START)
        document: dict[str, Any] = json.loads(json.dumps(content))
        return document

    def apply(self, content: dict[str, Any]) -> list[Record]:
        """Applies a document, five minutes later."""
        plan = saved_plan.parse(json.dumps(content), "plan.json")
        one_pass = self.one_pass(LATER, frozenset(plan.entries))
        objects = self.cluster.fetch(plan.targets)
        return list(one_pass.write(accept_or_refuse(plan, list(one_pass.plans()), objects, LATER)))


def with_checksum(content: dict[str, Any]) -> dict[str, Any]:
    """Returns an edited document with a new checksum, as a forger makes it."""
    content.pop("sha256")
    return content | {"sha256": saved_plan.checksum(content)}


def places(value: Any) -> list[tuple[Any, Any]]:
    """Returns every place in a document: the list or mapping, and the index or key in it."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, member in [*pairs] for place in [(value, key), *places(member)]]
