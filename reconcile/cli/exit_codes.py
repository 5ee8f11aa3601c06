"""Exit codes: what they are called, and which one a decision record asks for; and the words beside them.

Duty: the contract with pipelines. `--detailed-exitcode` tells more; without it a pass that was made is a success.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.model.plan import Record

NOTHING, FAILED, USAGE = 0, 1, 2
CHANGED, WAITING, HALTED = 2, 3, 4
INTERRUPTED = 130


def complain(words: str) -> None:
    """Say on stderr why something did not end well. The words may have text of others in them, and have lines."""
    from reconcile.model.text import printable  # noqa: PLC0415 - only who has to complain pays for it

    click.echo("\n".join(map(printable, words.split("\n"))), err=True)


def exit_code(records: Sequence[Record], *, detailed: bool) -> int:
    """Give the exit code of one pass; with `detailed`, of several Rollouts the highest counts."""
    if any(record.plan.error for record in records):
        return FAILED
    return max(map(_detailed, records), default=NOTHING) if detailed else NOTHING


def waited(record: Record) -> int:
    """Give the exit code that a Rollout would end `--wait` with: done, still under way, or in need of a human.

    Done is what a pass leaves at rest: `Initialized` or `Succeeded`, with the canary's present template on record and
    nothing to do for it. What fails at its own gate (invalid, being deleted, a second one on its route) is not mended
    by another pass.
    """
    from reconcile.core.state_machine import RESTING  # noqa: PLC0415 - as above
    from reconcile.model.plan import Outcome, Result  # noqa: PLC0415 - loaded long before

    plan = record.plan
    if plan.error or any(gate.name == "rollout" and gate.outcome is Outcome.FAILED for gate in plan.gates):
        return HALTED
    rests = plan.after.phase in RESTING and plan.move not in {"halt", "wait"}
    return NOTHING if rests and record.result is Result.APPLIED else WAITING


def applied(records: Sequence[Record], *, detailed: bool) -> int:
    """Give the exit code of a saved plan: unlike a pass, what it was to write and did not is a failure."""
    from reconcile.model.plan import Result  # noqa: PLC0415 - loaded long before

    codes = {Result.REFUSED: HALTED, Result.LOST_RACE: HALTED, Result.FAILED: HALTED, Result.UNREACHED: WAITING}
    code = exit_code(records, detailed=detailed)
    return code if code == FAILED else max([code, *(codes.get(record.result, NOTHING) for record in records)])


def _detailed(record: Record) -> int:
    from reconcile.model.plan import Result  # noqa: PLC0415 - loaded long before

    if record.result in {Result.FAILED, Result.REFUSED} or record.plan.move == "halt":
        return HALTED
    if record.result in {Result.LOST_RACE, Result.UNREACHED} or record.plan.move == "wait":
        return WAITING
    return CHANGED if record.plan.patches else NOTHING
