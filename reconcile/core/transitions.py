"""Which Events of a pass tell of a transition. Every other one repeats or explains something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.core.state_machine import Move
from reconcile.model.plan import Transition
from reconcile.model.rollout import Phase

if TYPE_CHECKING:
    from reconcile.core.stops import HoldError

Told = tuple[str, str, Transition | None]
"""An Event: its type, its message, and the transition that it tells of."""

# Those of the last Events of a move; what comes before them, such as a repair, is none.
_OF_MOVES: dict[Move, tuple[Transition, ...]] = {
    Move.START: (Transition.STARTED, Transition.ADVANCED),
    Move.ADVANCE: (Transition.ADVANCED,),
    Move.ROLL_BACK: (Transition.ROLLING_BACK,),
    Move.GIVE_UP: (Transition.FAILED,),
    Move.RETIRE: (Transition.PROMOTED,),
}


def of_move(move: Move, phase: Phase, events: tuple[tuple[str, str], ...]) -> tuple[Told, ...]:
    """Returns the Events of a move that is made in a phase. A rollback that is made once more is none anew."""
    is_again = move is Move.ROLL_BACK and phase is Phase.ROLLING_BACK
    transitions = () if is_again else _OF_MOVES.get(move, ())
    first = len(events) - len(transitions)
    return tuple(
        (kind, message, transitions[index - first] if index >= first else None)
        for index, (kind, message) in enumerate(events)
    )


def of_halt(before: str, reason: str) -> Transition | None:
    """Returns that a halt is one, unless the condition Ready had its reason before."""
    return None if before == reason else Transition.HALTED


def of_hold(hold: HoldError) -> Transition | None:
    """Returns that a hold waits for an approval; other holds are none."""
    return Transition.WAITING_FOR_APPROVAL if hold.condition == "WaitingForApproval" else None
