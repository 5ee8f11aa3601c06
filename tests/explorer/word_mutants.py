"""The program, broken on purpose in what people ask for and in the failure policy. See `mutants`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from msgspec.structs import replace

from reconcile.core import decide, gates, moves, orders, patches
from reconcile.core.case import attempts
from reconcile.core.state_machine import GATES, Move, Order, Traffic
from reconcile.model.measurement import PASSED
from reconcile.model.rollout import Phase
from tests.explorer.mutating import both, moved, owned, table, ungated

if TYPE_CHECKING:
    from reconcile.core.case import Case
    from reconcile.core.state_machine import Row
    from reconcile.model.rollout import Attempt
    from tests.explorer.mutating import Mutant


def _more_gates(move: Move, *names: str) -> Mutant:
    return lambda: patch.dict(GATES, {move: (*GATES[move], *names)})


# Replacements for functions of the program.


def _leaves_some(case: Case, effect: moves.Effect) -> moves.Effect:
    weight = case.weights.split.lowest // 2
    return replace(effect, writes=patches.weight(case, weight)) if weight else effect


def _raises(case: Case, effect: moves.Effect) -> moves.Effect:
    weight = case.spec.steps.after(case.weights.split.lowest)
    return replace(effect, writes=patches.weight(case, weight))


def _without_token(case: Case) -> Attempt:
    return replace(_ATTEMPT(case), tokens=())


_ATTEMPT = attempts.attempt


def _in_each_pass(case: Case, measured: Any) -> Attempt:
    so_far = case.attempt
    return _CHECKED(replace(case), measured) if so_far.last_check is None else _again(case, so_far, measured)


def _again(case: Case, so_far: Attempt, measured: Any) -> Attempt:
    failed = any(item.verdict == "failed" for item in measured)
    return replace(
        so_far,
        checks=so_far.checks + 1,
        failed=so_far.failed + failed,
        consecutive=so_far.consecutive + failed,
        last_check=case.now,
    )


def _all_counted(case: Case, measured: Any) -> Attempt:
    return _CHECKED(
        case, [replace(item, verdict="passed" if item.verdict == PASSED else "failed") for item in measured]
    )


_CHECKED = attempts.checked


def _one_early(case: Case, counted: Attempt) -> str:
    return _USED_UP(case, replace(counted, failed=counted.failed + 1, consecutive=counted.consecutive + 1))


def _one_late(case: Case, counted: Attempt) -> str:
    return _USED_UP(case, replace(counted, failed=max(counted.failed - 1, 0)))


_USED_UP = attempts.used_up


def _whatever_revision(self: orders.Orders, action: Any) -> bool:
    return action in self.rollout.actions.asked and self.rollout.state.phase is not Phase.NEW


def _at_once(case: Case, effect: moves.Effect) -> moves.Effect:
    return replace(effect, writes=patches.weight(case, 0))


def _status_first(_: Case, effect: moves.Effect) -> moves.Effect:
    return replace(effect, interim=None)


def _copied_or_not(row: Row) -> Row:
    if row.order is Order.ROLL_BACK and row.copy_due:
        return replace(row, phases=frozenset({Phase.PROMOTING, Phase.FINALISING}), copy_due=None)
    return row


def _begins_again(row: Row) -> Row | None:
    return None if row.move is Move.IDLE and row.to is Phase.FAILED else _started_again(row)


def _started_again(row: Row) -> Row:
    if row.move in {Move.START, Move.SCALE_UP} and Phase.PROGRESSING in row.phases:
        return replace(row, phases=row.phases | {Phase.FAILED})
    return row


def _not_while_rolling_back(row: Row) -> Row | None:
    return None if row.move is Move.ROLL_BACK and row.order is None else _kept_traffic(row)


def _kept_traffic(row: Row) -> Row:
    return replace(row, traffic=frozenset(Traffic)) if row.move is Move.GIVE_UP else row


def _goes_on(case: Case) -> str:
    return "whatever" if case.attempt.failure else _LIMITS(case)


_LIMITS = gates.BY_NAME["limits"]

WORD_MUTANTS: dict[str, Mutant] = {
    "an abort asks the metrics": _more_gates(Move.ROLL_BACK, "analysis"),
    "an abort waits for the interval": _more_gates(Move.ROLL_BACK, "interval"),
    "an abort waits until the primary is rolled out": _more_gates(Move.ROLL_BACK, "primary"),
    "an abort gives the traffic to a primary that does not serve": ungated(Move.ROLL_BACK, "available"),
    "an abort after the copy is obeyed": table(_copied_or_not),
    "an abort of an older revision is obeyed": owned(orders.Orders, "_asks", _whatever_revision),
    "a rollback leaves a weight": moved(Move.ROLL_BACK, change=_leaves_some),
    "a rollback raises the weight": moved(Move.ROLL_BACK, change=_raises),
    "a rollback is given up under traffic": table(_not_while_rolling_back),
    "a rollback is over before the canary is scaled down": moved(Move.GIVE_UP, change=_status_first),
    "a rolled back canary is not drained": ungated(Move.GIVE_UP, "drain"),
    "a failed revision begins again": table(_begins_again),
    "a retry counts again and again": owned(attempts, "attempt", _without_token),
    "checks are counted while none is due": owned(attempts, "checked", _in_each_pass),
    "no answer is counted as failed": owned(attempts, "checked", _all_counted),
    "a limit acts one check early": owned(attempts, "used_up", _one_early),
    "a limit acts one check late": owned(attempts, "used_up", _one_late),
    "a limit never acts": owned(attempts, "used_up", lambda *_: ""),
    "a deadline never passes": owned(attempts, "overdue", lambda _: ""),
    "a deadline does not count before the copy": ungated(Move.COPY, "limits"),
    "what the policy holds goes on": lambda: patch.dict(gates.BY_NAME, {"limits": _goes_on}),
    "a pause lets a step be made": ungated(Move.ADVANCE, "pause"),
    "a pause lets the copy be made": ungated(Move.PROMOTE, "pause"),
    "a pause lets the traffic go back": ungated(Move.CONCLUDE, "pause"),
    "a pause lets the canary be scaled down": both(ungated(Move.RETIRE, "pause"), ungated(Move.GIVE_UP, "pause")),
    "a pause holds an abort": _more_gates(Move.ROLL_BACK, "pause"),
    "a suspended Rollout goes on": both(
        owned(decide, "OPENING", ("rollout", "deployments")),
        owned(orders.Orders, "_suspended", property(lambda _: False)),
    ),
    "a promotion asked for needs no healthy canary": ungated(Move.PROMOTE_NOW, "canary", "scaling"),
    "an approval is not asked for": ungated(Move.ADVANCE, "approval"),
    "a hold is not kept": ungated(Move.ADVANCE, "hold"),
    "the traffic goes back at once": moved(Move.CONCLUDE, change=_at_once),
    "the steps after the copy wait for no interval": ungated(Move.CONCLUDE, "interval"),
    "a step after the copy raises the weight": moved(Move.CONCLUDE, change=_raises),
    "the canary is scaled down before it has drained": ungated(Move.RETIRE, "drain"),
}
