"""The program, broken on purpose: each change is a plausible mistake, and a law has to notice it.

The search that finds them is the one that finds no violation in the unchanged program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from msgspec.structs import replace

from reconcile.core import analysis, gates, judgement, moves, observation, patches, plans, revision, status
from reconcile.core.case.record import ReleaseRecord
from reconcile.core.case.weights import Weights
from reconcile.core.observation import Observation
from reconcile.core.routers import gateway, istio
from reconcile.core.routers.split import Split, joined
from reconcile.core.state_machine import Move, Standing, Traffic
from reconcile.core.stops import GateError
from reconcile.engine import apply, listing
from reconcile.engine.apply import _record_event
from reconcile.model.checks import Check
from reconcile.model.errors import ClusterError, LostRaceError
from reconcile.model.measurement import PASSED
from reconcile.model.plan import Record, Result
from reconcile.model.policy import Steps
from reconcile.model.rollout import Phase
from tests.explorer.beginnings import BEGINNINGS
from tests.explorer.mutating import both, computed, moved, owned, table, ungated
from tests.explorer.program import Program
from tests.explorer.search import SEEDS, Search
from tests.explorer.story import follow
from tests.explorer.word_mutants import WORD_MUTANTS
from tests.support.gateway_routes import HR

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconcile.core.case import Case
    from reconcile.core.state_machine import Row
    from reconcile.core.walk import Walk
    from tests.explorer.mutating import Mutant


# Replacements for functions of the program.


def _without_first_test(rollout: Any, new: Any) -> Any:
    return tuple(replace(one, operations=one.operations[-1:]) for one in _STATUS_PATCH(rollout, new))


_STATUS_PATCH = status.patch


def _exact_maximum(weights: Weights) -> Traffic:
    if weights.put_back is not None:
        return Traffic.REVERTED
    lowest = weights.split.lowest
    if lowest == 0:
        return Traffic.UNEVEN if weights.split.highest else Traffic.NONE
    return Traffic.FULL if lowest == weights.observation.spec.steps.maximum else Traffic.SOME


def _status_last(walk: Walk, move: Move, effect: moves.Effect) -> Any:
    plan = _MOVED(walk, move, effect)
    return replace(plan, patches=(*plan.patches[1:], *plan.patches[:1])) if effect.interim is None else plan


def _no_ticket(walk: Walk, move: Move, effect: moves.Effect) -> Any:
    plan = _MOVED(walk, move, effect)
    return plan if effect.interim is None else replace(plan, patches=plan.patches[1:])


_MOVED = plans.moved


def _status_first(_: Case, effect: moves.Effect) -> moves.Effect:
    return replace(effect, interim=None)


def _recorded_early(case: Case, effect: moves.Effect) -> moves.Effect:
    return replace(effect, state=revision.recorded(effect.state, case.objects.canary))


def _copied_as_well(case: Case, effect: moves.Effect) -> moves.Effect:
    writes = patches.template(case) if effect.state.canary_weight >= case.spec.steps.maximum else ()
    return replace(effect, writes=(*effect.writes, *writes))


def _scaled_as_well(case: Case, effect: moves.Effect) -> moves.Effect:
    return replace(effect, writes=(*effect.writes, patches.replicas(case, 0)))


def _never_waits(_: Case) -> str:
    return "whatever"


def _judged(passing: Callable[[Any], bool]) -> Callable[..., Any]:
    judge = judgement.judge

    def judged(reading: Any, at: Any) -> Any:
        made = judge(reading, at)
        return replace(made, verdict="passed") if passing(reading.answer) else made

    return judged


def _one_is_enough(case: Case, measured: Any) -> str:
    good = any(one.verdict == PASSED for one in measured)
    return "one passed" if good else _VERDICT(case, measured)


_VERDICT = analysis.verdict


def _halts_by_rolling_back(walk: Walk, halt: Any) -> Any:
    plan = _HALTED(walk, halt)
    try:
        writes = moves.MOVES[Move.RESET](walk.case, walk.case.state.phase).writes
    except (GateError, LookupError):
        writes = ()
    return replace(plan, patches=(*plan.patches, *writes))


_HALTED = plans.halted


def _speaks_first(plan: Any, cluster: Any, at: Any, late: Any, write: Any = None) -> Record:
    for event in plan.events:
        _record_event(event, cluster, at)
    return _APPLY(replace(plan, events=()), cluster, at, late, write)


def _never_gives_up(plan: Any, cluster: Any, at: Any, late: Any, write: Any = None) -> Record:
    del late
    for one in plan.patches:
        try:
            (write or cluster.patch)(one)
        except (LostRaceError, ClusterError):
            continue
    for event in plan.events:
        _record_event(event, cluster, at)
    return Record(plan=plan, at=at, result=Result.APPLIED)


def _never_late(plan: Any, cluster: Any, at: Any, late: Any, write: Any = None) -> Record:
    del late
    return _APPLY(plan, cluster, at, write=write)


_APPLY = apply.apply


def _reset_omitted(row: Row) -> Row:
    return replace(row, move=Move.ADVANCE) if row.move is Move.RESET else row


def _whatever_traffic(row: Row) -> Row | None:
    if row.move is Move.CONCLUDE and row.traffic != frozenset(Traffic):
        return None
    return replace(row, traffic=frozenset(Traffic)) if row.move is Move.RETIRE else row


def _whatever_canary(row: Row) -> Row:
    return replace(row, standings=frozenset(Standing)) if row.move is Move.COPY else row


def _never_done(row: Row) -> Row | None:
    if row.move is Move.IDLE:
        return None
    return replace(row, standings=frozenset(Standing)) if row.move is Move.START else row


def _any_copy_due(record: ReleaseRecord) -> bool:
    promoting = record.state.phase is Phase.PROMOTING
    return promoting and not record.objects.on_primary and record.overwritten_by is None


def _without_replicas(record: ReleaseRecord) -> bool:
    return not record.objects.observation.unchanged and record.objects.canary.wanted == 0


def _new_without_replicas(record: ReleaseRecord) -> bool:
    return record.standing is not Standing.SAME and record.objects.canary.wanted == 0


_recorded = revision.recorded


def _recorded_anew(state: Any, canary: Any, primary: Any) -> Any:
    return _STARTED(replace(state, primary_revision=""), canary, primary)


_STARTED = revision.started


_WEIGHT = patches.weight

MUTANTS: dict[str, Mutant] = {
    "the weights are written without a test": both(
        owned(patches, "same_generation", lambda _: []), owned(istio, "entry_tests", lambda *_: ())
    ),
    "only the values are tested, not the generation": owned(patches, "same_generation", lambda _: []),
    "the ticket is not tested": owned(status, "patch", _without_first_test),
    "the status is written after the weight": owned(plans, "moved", _status_last),
    "the canary is scaled down without a ticket": owned(plans, "moved", _no_ticket),
    "the end is stored before it is reached": moved(Move.RETIRE, Move.RETURN, change=_status_first),
    "a repair is on record before it is stored": moved(Move.ADVANCE, Move.RESTORE, change=_status_first),
    "the maximum is only an exact one": computed(Weights, "traffic", _exact_maximum),
    "the revision is recorded before the reset": moved(Move.RESET, change=_recorded_early),
    "the reset is left out": table(_reset_omitted),
    "no metric is asked at the maximum": ungated(Move.PROMOTE, "analysis"),
    "no metric is asked on the way": ungated(Move.ADVANCE, "analysis"),
    "the copy is made in the pass that reaches the maximum": moved(Move.ADVANCE, change=_copied_as_well),
    "what is no number passes": owned(analysis, "judge", _judged(lambda answer: answer.value != answer.value)),
    "no data passes": owned(analysis, "judge", _judged(lambda answer: answer.value is None)),
    "what is only observed is a gate": owned(Check, "gates_at", lambda check, weight: weight >= check.from_weight),
    "what is only observed makes up for what failed": owned(analysis, "verdict", _one_is_enough),
    "no series are asked for before the first step": ungated(Move.START, "series"),
    "the canary's health is no gate": ungated(Move.ADVANCE, "canary"),
    "the canary's scaling is no gate": ungated(Move.ADVANCE, "scaling"),
    "the primary's health is no gate for a start": ungated(Move.START, "primary"),
    "the primary's health is no gate for a reset": ungated(Move.RESET, "primary"),
    "traffic goes back before the primary is rolled out": ungated(Move.CONCLUDE, "primary", "endpoints"),
    "the interval is ignored": both(
        owned(gates, "interval", _never_waits), lambda: patch.dict(gates.BY_NAME, {"interval": _never_waits})
    ),
    "the last step is not cut at the maximum": owned(Steps, "after", lambda steps, weight: weight + steps.size),
    "the canary is scaled down under traffic": table(_whatever_traffic),
    "the canary is scaled down with the last weight": moved(Move.CONCLUDE, change=_scaled_as_well),
    "a canary is scaled up again and again": computed(ReleaseRecord, "parked", _without_replicas),
    "a canary is scaled up only once": computed(ReleaseRecord, "parked", _new_without_replicas),
    "a canary that moved on is copied": both(
        table(_whatever_canary), computed(ReleaseRecord, "copy_due", _any_copy_due)
    ),
    "a promotion that was not copied is copied without an analysis": ungated(Move.COPY, "analysis"),
    "a promotion that was not copied is copied whatever the canary is": ungated(Move.COPY, "canary", "scaling"),
    "a promotion that was not copied is not taken up": table(lambda row: None if row.move is Move.COPY else row),
    "an edit of the primary is copied over": both(ungated(Move.PROMOTE, "edits"), ungated(Move.COPY, "edits")),
    "what the primary was is not on record": owned(
        revision, "started", lambda state, canary, _: _recorded(state, canary)
    ),
    "what the primary was is put on record in each step": owned(revision, "started", _recorded_anew),
    "a canary is scaled down whatever other routes do": both(
        ungated(Move.RETIRE, "drained"), ungated(Move.RETURN, "drained")
    ),
    "a second Rollout on the same Deployments moves as well": owned(listing, "_rivals", lambda _: {}),
    "several objects go on from the one that leads": computed(Split, "lowest", lambda split: split.highest),
    "only the first of several objects is looked at": owned(
        observation, "joined", lambda splits: joined([next(iter(splits))])
    ),
    "only the first of several objects is written": owned(
        patches, "weight", lambda *args: tuple(one for one in _WEIGHT(*args) if one.target != HR)
    ),
    "an HTTPRoute is written without a test": both(
        owned(patches, "same_generation", lambda _: []), owned(gateway, "entry_tests", lambda *_: ())
    ),
    "the weight that was asked for is restored": computed(Weights, "restorable", lambda weights: weights.recorded),
    "a release that is done begins again": both(
        table(_never_done), computed(Observation, "at_rest", lambda seen: seen.rollout.spec is None)
    ),
    "a halt takes the traffic back": owned(plans, "halted", _halts_by_rolling_back),
    "Events are written first": owned(apply, "apply", _speaks_first),
    "a pass that stood still goes on": owned(apply, "apply", _never_late),
    "a failed write does not end the pass": owned(apply, "apply", _never_gives_up),
    **WORD_MUTANTS,
}


def caught(name: str, most: int = 10_000) -> str:
    """Returns the law that notices this broken program by its writes; "" = none does in so many worlds."""
    with MUTANTS[name]():
        search = Search(program=Program(whole=False))
        seeds = SEEDS
        if name in BEGINNINGS:
            *_, last = follow(search, *BEGINNINGS[name])
            seeds = {name: last.world}
        search.run(seeds=seeds, states=most, until=lambda: bool(search.violations))
    return next(iter(search.violations), "")
