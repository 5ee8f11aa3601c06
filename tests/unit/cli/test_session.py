"""How the command line makes a pass of its stages."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from reconcile.cli.session import make_pass
from reconcile.cli.signals import Stop
from reconcile.engine.one_pass import Pass
from reconcile.engine.selection import Selection
from reconcile.model.plan import Record, Result
from reconcile.model.settings import Settings
from tests.support.fakes import FixedMeter, MemoryCluster
from tests.support.world import DURATION, METRICS, START, SUCCESS, release

if TYPE_CHECKING:
    from reconcile.model.plan import Patch


class Slow(MemoryCluster):
    """A cluster that takes three seconds for each write."""

    clock = START

    def patch(self, patch: Patch) -> None:
        """Take three seconds."""
        self.clock += timedelta(seconds=3)
        super().patch(patch)


def test_each_rollout_is_decided_when_it_is_its_turn_and_not_when_the_first_is() -> None:
    cluster, seen = Slow([*release("a"), *release("b"), *release("c")]), list[Record]()
    one = Pass(
        cluster=cluster,
        meter=FixedMeter(**{SUCCESS: 100.0, DURATION: 100.0}),
        settings=Settings(metrics=METRICS, interval=10),  # the ticket of a plan is good for three quarters of it
        selection=Selection(),
        now=lambda: cluster.clock,
    )

    def tell(records: list[Record]) -> int:
        seen.extend(records)
        return 7

    assert make_pass(one, "none", Stop(), tell) == 7
    assert [(record.result, record.error) for record in seen] == [(Result.APPLIED, "")] * 3
    ats = [record.plan.at for record in seen]
    assert ats == [START, START + timedelta(seconds=6), START + timedelta(seconds=12)]
