"""What a pass did with one Rollout, in a word or two."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reconcile.model.plan import Result
from reconcile.report.layout import transition
from reconcile.report.styled_text import styled

if TYPE_CHECKING:
    from reconcile.model.plan import Plan, Record
    from reconcile.report.styled_text import Text


NEW = "new"


class Unwritten(NamedTuple):
    """The words for a plan that was not written in full. `message` is for a record without an error."""

    title: str
    style: str
    message: str
    next_step: str


UNWRITTEN = {
    Result.LOST_RACE: Unwritten(
        "Lost race",
        "yellow",
        "somebody else was faster; the rest of this plan was dropped",
        "the next pass looks again",
    ),
    Result.FAILED: Unwritten("Failed", "bold red", "the plan was not written in full", "the next pass tries again"),
    Result.REFUSED: Unwritten(
        "Refused",
        "bold red",
        "the world is not the one of this plan any more",
        "nothing of it was written; make a new plan, and look at it",
    ),
    Result.UNREACHED: Unwritten(
        "Not reached", "yellow", "the pass ended before this plan could be written", "first in the next pass"
    ),
}
# Each move when it is made, in the order of a release.
DONE = {
    "idle": "idle",
    "wait": "waiting",
    "initialize": "initialized",
    "scale up": "scaled up",
    "start": "started",
    "advance": "advanced",
    "restore": "restored",
    "reset": "reset",
    "return": "gone back",
    "promote": "promoting",
    "copy": "copied",
    "conclude": "routed to the primary",
    "retire": "finished",
    "promote now": "promoting",
    "roll back": "rolled back",
    "give up": "given up",
    "hold": "held",
    "halt": "halted",
}
# These moves change neither traffic nor pods: a dry run makes them as much as a pass that writes.
_CHANGE_NOTHING = {"idle", "wait", "hold", "halt"}
_MOVE_STYLES = {
    "idle": "dim",
    "wait": "cyan",
    "hold": "cyan",
    "halt": "bold yellow",
    "roll back": "bold red",
    "give up": "bold red",
}


def rollout_name(plan: Plan) -> Text:
    """Returns `name.namespace`."""
    return styled(f"{plan.rollout.name}.{plan.rollout.namespace}", "bold")


def phase_transition(plan: Plan) -> Text:
    """Returns the phase, or `Progressing → Promoting`."""
    return transition(plan.before.phase, plan.after.phase, NEW)


def verdict(record: Record) -> Text:
    """Returns `advanced`, `would advance`, or `advance: lost race` for a plan that was not written in full."""
    word = verdict_word(record)
    if record.result not in UNWRITTEN:
        return styled(word, _MOVE_STYLES.get(record.plan.move, "bold green"))
    planned = "" if record.result is Result.UNREACHED else f"{record.plan.move}: "
    return styled(f"{planned}{word}", UNWRITTEN[record.result].style)


def verdict_word(record: Record) -> str:
    """Returns the verdict by which records are counted."""
    move = record.plan.move
    if record.result in UNWRITTEN:
        return str(record.result)
    if record.result is Result.PLANNED and move not in _CHANGE_NOTHING:
        return f"would {move}"
    return DONE.get(move, move)


def order_of(word: str) -> int:
    """Returns the place of a verdict's word in a list of all."""
    return _ORDER.index(word) if word in _ORDER else len(_ORDER)


_ORDER = [*DONE.values(), *(f"would {move}" for move in DONE), *map(str, UNWRITTEN)]
