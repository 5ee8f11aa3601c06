"""A backtest of two metrics over some hours, with a word of others wherever there can be one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random

from reconcile.lookback.backtest import Backtest, replay
from reconcile.lookback.recorded import Recorded, Values
from reconcile.model.checks import Check, Comparison
from reconcile.model.kinds import ROLLOUT, Ref
from reconcile.model.measurement import Metric
from reconcile.model.policy import FailurePolicy, OnFailure, Steps
from reconcile.model.rollout import Spec
from reconcile.model.series import Window

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MINUTES = 300


@cache
def made(text: str = "plain") -> Backtest:
    """Returns one of five hours. `text` is in names, titles, units and queries."""
    random = Random(1)  # noqa: S311 - no secret
    bads: Values = [random.choice([0.0, 0.0, 0.0, 6.0, 18.0]) for _ in range(MINUTES)]
    named = "" if text == "plain" else text
    success = Metric(
        name="success", title=f"success rate{named}", unit="percent", bound="minimum", requests=True, failures=True
    )
    beside = Comparison(max_ratio=2.0)
    served: Values = [600.0] * MINUTES
    items = [
        Recorded(
            check=Check(name=f"success{named}", interval="1m", threshold=99.0, comparison=beside, min_requests=50),
            metric=success,
            values=[100 - (bad or 0.0) / 6 for bad in bads],
            requests=served,
            totals=served,
            bads=bads,
            query=f"sum({text})",
        ),
        Recorded(
            check=Check(name=f"latency{named}", interval="1m", threshold=500.0),
            metric=Metric(
                name="latency", title=f"request duration{named}", unit=named or "milliseconds", bound="maximum"
            ),
            values=[random.expovariate(1 / 90) for _ in range(MINUTES)],
            query=f"max({text})",
        ),
        Recorded(
            check=Check(name=f"away{named}", interval="1m", threshold=1.0, observe=True),
            metric=Metric(name="away", title=f"away{named}", unit="", bound="maximum"),
            problem=f"nobody answers{named}",
        ),
    ]
    spec = Spec(
        routes=(),
        primary="podinfo",
        primary_host="podinfo",
        canary="podinfo-canary",
        canary_host="podinfo-canary",
        steps=Steps(size=10, maximum=50),
        checks=tuple(item.check for item in items),
        failure=FailurePolicy(on_failure=OnFailure.ROLLBACK, failure_limit=1),
    )
    window = Window(begin=BEGIN, end=BEGIN + timedelta(minutes=MINUTES - 1), step=60.0)
    return replay(Ref(ROLLOUT, "test", f"podinfo{named}"), spec, items, window)
