"""Which exit code the records of a pass ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.cli.exit_codes import CHANGED, FAILED, HALTED, NOTHING, WAITING
from reconcile.core.state_machine import RESTING
from reconcile.model.plan import Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.model.kinds import Ref
    from reconcile.model.plan import Record

_UNWRITTEN = {Result.REFUSED: HALTED, Result.LOST_RACE: HALTED, Result.FAILED: HALTED, Result.UNREACHED: WAITING}

_FAILING = {"halt", "roll back", "give up"}


def exit_code_of_pass(records: Sequence[Record], *, detailed: bool) -> int:
    """Returns the exit code of one pass: without `detailed`, every pass that could be made is a success.

    With it, the highest code of a Rollout counts.
    """
    if any(record.plan.error for record in records):
        return FAILED
    return max(map(_detailed, records), default=NOTHING) if detailed else NOTHING


def never_moved(passes: Sequence[Sequence[Record]]) -> dict[Ref, str]:
    """Returns each Rollout that no pass moved, and that did not come to rest, with its last reason."""
    moved = {record.plan.rollout for records in passes for record in records if _moved_weight(record)}
    last = {record.plan.rollout: record for records in passes for record in records if record.plan.rollout not in moved}
    reasons = {ref: _not_done(record) for ref, record in sorted(last.items())}
    return {ref: reason for ref, reason in reasons.items() if reason}


def _moved_weight(record: Record) -> bool:
    before, after = record.plan.before.weight, record.plan.after.weight
    return record.result is Result.APPLIED and None not in {before, after} and before != after


def _not_done(record: Record) -> str:
    """Returns why a pass did nothing for a Rollout; "" where it did something, or where there was nothing to do."""
    plan = record.plan
    return record.error or plan.error or (plan.reason if plan.move in {"halt", "wait"} else "")


def exit_code_of_wait(record: Record) -> int:
    """Returns the exit code that a Rollout ends `--wait` with: done, still in progress, or in need of a human.

    A Rollout is done when a pass leaves it at rest: `Initialized` or `Succeeded`, with the canary's present template
    on record and nothing to do for it. A Rollout that fails at its own gate (invalid, being deleted, a second one on
    its route) needs a human: no other pass repairs it. So does one whose failure policy ended it.
    """
    plan = record.plan
    if plan.error or any(gate.name == "rollout" and gate.outcome is Outcome.FAILED for gate in plan.gates):
        return HALTED
    if plan.needs_person and record.result is Result.APPLIED:
        return HALTED
    rests = plan.after.phase in RESTING and plan.move not in {"halt", "wait", "hold"}
    return NOTHING if rests and record.result is Result.APPLIED else WAITING


def exit_code_of_saved_plan(records: Sequence[Record], *, detailed: bool) -> int:
    """Returns the exit code of `steerer apply`: unlike in a pass, a plan that was not written is a failure."""
    code = exit_code_of_pass(records, detailed=detailed)
    return code if code == FAILED else max([code, *(_UNWRITTEN.get(record.result, NOTHING) for record in records)])


def _detailed(record: Record) -> int:
    if record.result in {Result.FAILED, Result.REFUSED} or record.plan.move in _FAILING or record.plan.needs_person:
        return HALTED
    if record.result in {Result.LOST_RACE, Result.UNREACHED} or record.plan.move in {"wait", "hold"}:
        return WAITING
    return CHANGED if record.plan.patches else NOTHING
