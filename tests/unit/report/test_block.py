"""The block of one Rollout: golden texts."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from reconcile.model.plan import AskedAction, Gate, Outcome, Position, Result
from tests.unit.report import factory
from tests.unit.report.factory import printed


def test_an_advance_is_told_in_full() -> None:
    assert (
        printed(factory.record(factory.advancing()))
        == """\
podinfo.test  advanced
  [########++..........]  40 % → 50 %  Progressing
  every gate and both metrics passed at weight 40
  Gates
    ✓ rollout      valid, and the only one on VirtualService podinfo.test
    ✓ deployments  revision v1-9d0b of podinfo-canary.test is under way
    ✓ services     podinfo.test and podinfo-canary.test expose port http
    ✓ routes       1 route splits podinfo and podinfo-canary 60/40
    ✓ primary      podinfo.test: 2 of 2 replicas updated and available
    ✓ canary       podinfo-canary.test: 2 of 2 replicas updated and available
    ✓ scaling      podinfo-canary.test is not being scaled
    ✓ interval     75s since the last advance, 45s are enough
    ✓ analysis     2 of 2 metrics passed
  Analysis at 40 %
    ✓ passed  istio_requests_total                   success rate 99.97% >= 99%
    ✓ passed  istio_request_duration_seconds_bucket  request duration 128ms <= 500ms
  Wrote
    Rollout podinfo.test         status
    VirtualService podinfo.test  podinfo 60 → 50, podinfo-canary 40 → 50
  Events
    Normal  Advance rollout podinfo.test weight 50
  Next  analysis at weight 50, once the control-loop interval has passed
"""
    )


def test_a_dry_run_says_would() -> None:
    text = printed(factory.record(factory.advancing(gates=(), measurements=()), Result.PLANNED))

    assert (
        text
        == """\
podinfo.test  would advance
  [########++..........]  40 % → 50 %  Progressing
  every gate and both metrics passed at weight 40
  Would write
    Rollout podinfo.test         status
    VirtualService podinfo.test  podinfo 60 → 50, podinfo-canary 40 → 50
  Would record
    Normal  Advance rollout podinfo.test weight 50
  Next  analysis at weight 50, once the control-loop interval has passed
"""
    )


def test_what_a_person_asked_for_is_told_with_what_became_of_it() -> None:
    asked = (
        AskedAction(action="approve", value="v1-9d0b/40", outcome="taken"),
        AskedAction(action="retry", value="v1-9d0b", outcome="a retry needs a token", refused=True),
    )
    text = printed(factory.record(factory.advancing(gates=(), measurements=(), actions=asked)))

    assert "  Asked for\n    approve v1-9d0b/40  taken\n    retry v1-9d0b       a retry needs a token\n" in text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"move": "hold"}, "every pass measures and looks again"),
        (
            {"gates": (Gate(name="limits", outcome=Outcome.FAILED, reason="5m at 30 %"),)},
            "nothing until a person says how it goes on",
        ),
    ],
)
def test_what_comes_next_depends_on_whose_turn_it_is(fields: dict[str, Any], words: str) -> None:
    assert f"  Next  {words}\n" in printed(factory.record(factory.halting(measurements=(), **fields)))


def test_a_halt_names_the_gate_and_shows_the_query() -> None:
    halting = factory.halting(
        gates=factory.gates(primary="2 of 2 replicas", canary="!canary podinfo-canary.test is paused")[4:]
    )

    assert (
        printed(factory.record(halting))
        == """\
podinfo.test  halted
  [######..............]  30 %  Progressing
  request duration 2.525s > 500ms
  Gates
    ✓ primary  2 of 2 replicas
    ✗ canary   canary podinfo-canary.test is paused
    · not reached  scaling, interval, analysis
  Analysis at 30 %
    ✓ passed  istio_requests_total                   success rate 99.97% >= 99%
    ✗ failed  istio_request_duration_seconds_bucket  request duration 2.525s > 500ms
      query  histogram_quantile(0.99, sum(irate(istio_request_duration_seconds_bucket[1m])) by (le))
  Wrote
    Rollout podinfo.test  status
  Events
    Warning  Halt rollout podinfo.test request duration 2.525s > 500ms
  Next  every pass looks again, and goes on from weight 30 once the cause is gone
"""
    )


def test_a_metric_without_an_answer_shows_its_threshold() -> None:
    nothing = factory.success_rate(None, "no data", "success rate: no data")
    text = printed(factory.record(factory.halting(gates=(), measurements=(nothing,), patches=(), events=())))

    assert "    ✗ no data  istio_requests_total  success rate: no data, minimum 99\n" in text
    assert '      query  sum(rate(istio_requests_total{ reporter="destination" }[1m]))\n' in text


def test_a_promotion_shows_both_phases() -> None:
    promoting = factory.plan(
        move="promote",
        reason="both metrics passed at the maximum weight 100",
        before=Position(phase="Progressing", weight=100),
        after=Position(phase="Promoting", weight=100),
        patches=(factory.template_patch(),),
    )

    assert (
        printed(factory.record(promoting))
        == """\
podinfo.test  promoting
  [####################] 100 %  Progressing → Promoting
  both metrics passed at the maximum weight 100
  Wrote
    Deployment podinfo.test  pod template
  Next  all traffic goes to the primary as soon as its new pods are rolled out and healthy
"""
    )


def test_a_lost_race_says_what_was_meant() -> None:
    text = printed(factory.record(factory.advancing(gates=(), measurements=()), Result.LOST_RACE))

    assert (
        text
        == """\
podinfo.test  advance: lost race
  [########++..........]  40 % → 50 %  Progressing
  every gate and both metrics passed at weight 40
  Lost race  somebody else was faster; the rest of this plan was dropped
  Was to write
    Rollout podinfo.test         status
    VirtualService podinfo.test  podinfo 60 → 50, podinfo-canary 40 → 50
  Was to record
    Normal  Advance rollout podinfo.test weight 50
  Next  the next pass looks again
"""
    )


def test_a_failure_says_its_error() -> None:
    text = printed(factory.record(factory.advancing(gates=()), Result.FAILED, "403 for Deployment podinfo.test"))

    assert text.startswith("podinfo.test  advance: failed\n")
    assert "  Failed  403 for Deployment podinfo.test\n" in text
    assert text.endswith("  Next  the next pass tries again\n")


def test_an_error_beside_a_written_plan_is_told() -> None:
    text = printed(factory.record(factory.advancing(gates=()), error="one Event was refused"))

    assert "  Error  one Event was refused\n" in text


def test_an_idle_rollout_that_failed_gets_its_block() -> None:
    text = printed(factory.record(result=Result.FAILED, error="internal error: KeyError"))

    assert "  Failed  internal error: KeyError\n" in text


def test_a_reason_that_is_the_error_is_told_once() -> None:
    text = printed(factory.record(factory.plan(move="internal error", reason="KeyError"), Result.FAILED, "KeyError"))

    assert text.count("KeyError") == 1


def test_a_gate_that_waits_and_one_that_was_skipped_for_a_reason() -> None:
    gates = (
        Gate(name="interval", outcome=Outcome.WAITING, reason="12s to go"),
        Gate(name="analysis", outcome=Outcome.UNREACHED, reason="no traffic yet"),
    )
    text = printed(factory.record(factory.advancing(gates=gates)))

    assert "    … interval  12s to go\n    · analysis  no traffic yet\n" in text


@pytest.mark.parametrize(
    ("move", "phase", "weight", "words"),
    [
        ("start", "Progressing", 10, "analysis at weight 10, once the control-loop interval has passed"),
        ("scale up", "Progressing", 0, "traffic starts once the primary and the canary are rolled out and healthy"),
        ("conclude", "Finalising", 0, "the canary is scaled to zero by a later pass, when its traffic has drained"),
        ("retire", "Succeeded", 0, "a rollout starts when the canary gets a new pod template"),
        ("initialize", "Initialized", 0, "a rollout starts when the canary gets a new pod template"),
        ("halt", "", None, "every pass looks again once the cause is gone"),
        ("halt", "Progressing", 0, "every pass looks again once the cause is gone"),
    ],
)
def test_what_comes_next(move: str, phase: str, weight: int | None, words: str) -> None:
    plan = factory.plan(move=move, after=Position(phase=phase, weight=weight))

    assert printed(factory.record(plan)).endswith(f"  Next  {words}\n")


def test_a_waiting_rollout_with_something_to_write_gets_its_block() -> None:
    text = printed(factory.record(factory.plan(move="wait", patches=(factory.status_patch(),))))

    assert text.endswith("  Next  the next pass looks again\n")


def test_an_unknown_phase_promises_nothing() -> None:
    assert "Next" not in printed(factory.record(factory.plan(move="advance", after=Position(phase="Odd", weight=1))))


def test_what_holds_nothing_up_and_what_is_skipped_have_no_cross() -> None:
    observed = replace(factory.success_rate(50.0, "failed", "success rate 50.00% < 99% (observed)"), gates=False)
    skipped = replace(
        factory.latency(None, "skipped", "request duration: no data: skipped by onNoData"), threshold=None
    )
    shown = printed(factory.record(factory.advancing(measurements=(observed, skipped))))
    assert "· failed   istio_requests_total" in shown
    assert "· skipped  istio_request_duration_seconds_bucket  request duration: no data: skipped by onNoData\n" in shown
