"""The requests that a simulation draws."""

from __future__ import annotations

from random import Random
from statistics import mean

import pytest

from reconcile.lookback.drawn import drawn
from reconcile.simulation.drawn_traffic import Traffic
from tests.support.world import R

TRAFFIC = Traffic(rollout=R, metric="m", requests=10.0, canary_bad=2.5, primary_bad=0.5)


@pytest.mark.parametrize(("share", "bad"), [(0.0, 0), (1.0, 600)])
def test_none_and_all_are_exact(share: float, bad: int) -> None:
    assert drawn(600, share, Random(1)) == bad  # noqa: S311 - no secret


@pytest.mark.parametrize("share", [0.001, 0.01, 0.3, 0.9])
def test_as_many_are_bad_as_the_share_says_in_the_long_run(share: float) -> None:
    random = Random(1)  # noqa: S311 - no secret
    found = [drawn(600, share, random) for _ in range(2000)]
    assert max(found) <= 600
    # Five standard errors.
    assert mean(found) == pytest.approx(600 * share, abs=5 * (600 * share * (1 - share) / 2000) ** 0.5)


def test_requests_are_shared_out_by_weight() -> None:
    canary, primary = (TRAFFIC.counts(1, range(5), 60.0, 10, is_canary=side) for side in (True, False))
    assert (canary.total, primary.total) == (300, 2700)


def test_a_tick_is_the_same_in_each_window_and_another_with_another_seed() -> None:
    def bad(seed: int, ticks: range) -> float:
        return TRAFFIC.counts(seed, ticks, 60.0, 50, is_canary=True).bad

    assert bad(1, range(30)) == bad(1, range(10)) + bad(1, range(10, 30))
    assert len({bad(seed, range(30)) for seed in range(9)}) > 1
