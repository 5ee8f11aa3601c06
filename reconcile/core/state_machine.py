"""The state machine of a Rollout as a table: the move that a situation asks for, its gates, the phase after it.

`docs/architecture.md` has drawings of this table, and a test keeps them equal. What a move does is in `moves`.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from reconcile.model.rollout import Phase


class Standing(StrEnum):
    """The canary's present revision, compared with the recorded one."""

    SAME = "same revision"
    NEW = "new revision"
    ON_PRIMARY = "revision that the primary already runs"


class Traffic(StrEnum):
    """What the managed routes give to the canary."""

    NONE = "no traffic"
    UNEVEN = "traffic on some routes"
    SOME = "traffic"
    FULL = "maximum weight"
    REVERTED = "weight put back by a GitOps tool"
    SOME_REVERTED = "weight put back although it was restored"
    FULL_REVERTED = "maximum weight put back although it was restored"


class Move(StrEnum):
    """What a pass does for one Rollout. `halt`, `wait` and `hold` come from a gate, all others from the table."""

    IDLE = "idle"
    WAIT = "wait"
    HALT = "halt"
    INITIALIZE = "initialize"
    SCALE_UP = "scale up"
    START = "start"
    ADVANCE = "advance"
    PROMOTE = "promote"
    COPY = "copy"
    CONCLUDE = "conclude"
    RETIRE = "retire"
    RETURN = "return"
    RESET = "reset"
    RESTORE = "restore"
    PROMOTE_NOW = "promote now"
    ROLL_BACK = "roll back"
    GIVE_UP = "give up"
    HOLD = "hold"


class Order(StrEnum):
    """What goes before the steps of a release: what a person asked for, or a limit that the canary passed."""

    NONE = ""
    ROLL_BACK = "roll back"
    PROMOTE = "promote"


SPLIT = frozenset({Traffic.UNEVEN, Traffic.SOME, Traffic.FULL})
ANY_TRAFFIC = frozenset(Traffic)
ANY_STANDING = frozenset(Standing)
RESTING = frozenset({Phase.INITIALIZED, Phase.SUCCEEDED, Phase.FAILED})
# A promotion is finished before anything else, whatever the canary and its Service are.
CONCLUDING = frozenset({Phase.PROMOTING, Phase.FINALISING})
# Moves that need neither a weight nor a gate beyond those of every move.
MOVES_AT_REST = frozenset({Move.IDLE, Move.INITIALIZE})

# Moves that end a release without a promotion, and that no metric and no step has a part in.
WAY_BACK = frozenset({Move.ROLL_BACK, Move.GIVE_UP, Move.RETURN, Move.IDLE})

# The gates of every move, then those that each move needs beside them, in their order.
OPENING = ("suspend", "rollout", "deployments")
_HEALTHY = ("services", "routes", "accepted", "reach", "primary", "canary", "scaling")
_ANALYSED = ("interval", "warmup", "analysis", "pause", "hold", "approval")
GATES: dict[Move, tuple[str, ...]] = {
    Move.IDLE: (),
    Move.INITIALIZE: (),
    Move.SCALE_UP: ("limits", "services", "routes", "accepted", "reach", "primary", "size", "interval", "pause"),
    Move.START: ("limits", *_HEALTHY, "interval", "pause", "series"),
    Move.ADVANCE: ("limits", *_HEALTHY, *_ANALYSED),
    Move.PROMOTE: ("limits", *_HEALTHY, "edits", *_ANALYSED),
    Move.RESTORE: ("limits", *_HEALTHY, "pause"),
    Move.RESET: ("services", "routes", "primary", "pause"),
    # However long ago the promotion was decided: the copy is the one step that cannot be taken back.
    Move.COPY: ("limits", *_HEALTHY, "edits", "interval", "warmup", "analysis", "pause"),
    Move.CONCLUDE: ("routes", "template", "primary", "interval", "endpoints", "pause"),
    Move.RETIRE: ("routes", "accepted", "template", "primary", "interval", "drain", "drained", "pause"),
    Move.RETURN: ("routes", "accepted", "primary", "interval", "drain", "drained", "pause"),
    # A person's word replaces the metrics, never the health.
    Move.PROMOTE_NOW: _HEALTHY,
    # A primary that serves, however far its own rolling update is, is better than a canary that fails.
    Move.ROLL_BACK: ("routes", "available"),
    Move.GIVE_UP: ("routes", "accepted", "available", "interval", "drain", "drained", "pause"),
}


class Situation(Struct, frozen=True, kw_only=True):
    """What decides which row applies. `parked`: the canary has 0 replicas and its revision never had traffic.

    `order`: what goes before the steps of a release.
    `copy_due`: the promotion was decided, and the primary's template was not written since.
    """

    phase: Phase
    standing: Standing
    traffic: Traffic
    parked: bool = False
    copy_due: bool = False
    order: Order = Order.NONE


class Row(Struct, frozen=True, kw_only=True):
    """One row: the situations to which it applies, the move, and the phase after it. None = either, or any.

    `otherwise`: the move that is made instead where the gate that is shut is none of its own.
    """

    phases: frozenset[Phase]
    standings: frozenset[Standing]
    traffic: frozenset[Traffic] = ANY_TRAFFIC
    parked: bool | None = None
    copy_due: bool | None = None
    order: Order | None = None
    move: Move
    to: Phase
    otherwise: Move | None = None

    def applies(self, situation: Situation) -> bool:
        """Returns whether the row is about this situation."""
        return (
            situation.phase in self.phases
            and situation.standing in self.standings
            and situation.traffic in self.traffic
            and self.parked in {None, situation.parked}
            and self.copy_due in {None, situation.copy_due}
            and self.order in {None, situation.order}
        )


def _row(
    phases: set[Phase],
    standings: frozenset[Standing] | set[Standing],
    move: Move,
    to: Phase,
    *,
    traffic: frozenset[Traffic] | set[Traffic] = ANY_TRAFFIC,
    parked: bool | None = None,
    copy_due: bool | None = None,
    order: Order | None = None,
    otherwise: Move | None = None,
) -> Row:
    return Row(
        phases=frozenset(phases),
        standings=frozenset(standings),
        traffic=frozenset(traffic),
        parked=parked,
        copy_due=copy_due,
        order=order,
        move=move,
        to=to,
        otherwise=otherwise,
    )


P, S, T, M = Phase, Standing, Traffic, Move
_FRESH = {S.NEW, S.ON_PRIMARY}
_RELEASABLE = {P.INITIALIZED, P.SUCCEEDED, P.PROGRESSING, P.ROLLING_BACK, P.FAILED}

# The first row that applies decides.
TABLE: tuple[Row, ...] = (
    # An abort, or a limit that was passed: as long as the primary does not have the template, all traffic is its own.
    _row({P.NEW, *_RELEASABLE}, {S.NEW}, M.ROLL_BACK, P.ROLLING_BACK, order=Order.ROLL_BACK),
    _row({P.NEW}, {S.ON_PRIMARY}, M.ROLL_BACK, P.ROLLING_BACK, parked=False, order=Order.ROLL_BACK),
    _row({P.FINALISING}, {S.NEW}, M.ROLL_BACK, P.ROLLING_BACK, order=Order.ROLL_BACK, traffic={T.NONE}),
    _row({P.PROGRESSING}, {S.SAME}, M.ROLL_BACK, P.ROLLING_BACK, order=Order.ROLL_BACK),
    _row({P.PROMOTING}, {S.SAME}, M.ROLL_BACK, P.ROLLING_BACK, order=Order.ROLL_BACK, copy_due=True),
    _row({P.ROLLING_BACK}, {S.SAME}, M.ROLL_BACK, P.ROLLING_BACK, traffic=SPLIT),
    _row({P.ROLLING_BACK}, {S.SAME}, M.GIVE_UP, P.FAILED, traffic={T.NONE}),
    _row({P.FAILED}, {S.SAME}, M.IDLE, P.FAILED),
    # A person's word to promote: no more steps.
    _row(
        {P.NEW, *_RELEASABLE},
        {S.NEW},
        M.PROMOTE_NOW,
        P.PROMOTING,
        traffic={T.NONE},
        parked=False,
        order=Order.PROMOTE,
    ),
    _row({P.PROGRESSING}, {S.SAME}, M.PROMOTE_NOW, P.PROMOTING, parked=False, order=Order.PROMOTE),
    _row({P.PROMOTING}, {S.SAME}, M.PROMOTE_NOW, P.PROMOTING, copy_due=True, order=Order.PROMOTE),
    # Nothing to release.
    _row({P.NEW}, {S.ON_PRIMARY}, M.INITIALIZE, P.INITIALIZED, parked=True),
    _row({P.INITIALIZED}, {S.SAME, S.ON_PRIMARY}, M.IDLE, P.INITIALIZED),
    _row({P.SUCCEEDED}, {S.SAME, S.ON_PRIMARY}, M.IDLE, P.SUCCEEDED),
    # A Rollout that no pass has seen. Traffic that is already split is adopted, and analysed first.
    _row({P.NEW}, _FRESH, M.SCALE_UP, P.PROGRESSING, traffic={T.NONE}, parked=True),
    _row({P.NEW}, _FRESH, M.START, P.PROGRESSING, traffic={T.NONE, T.UNEVEN}),
    _row({P.NEW}, _FRESH, M.ADVANCE, P.PROGRESSING, traffic={T.SOME}),
    _row({P.NEW}, _FRESH, M.PROMOTE, P.PROMOTING, traffic={T.FULL}),
    # A new revision begins at no traffic, whatever the one before it had.
    _row(_RELEASABLE, {S.NEW}, M.RESET, P.PROGRESSING, traffic=SPLIT),
    _row({*_RELEASABLE, P.FINALISING}, {S.NEW}, M.SCALE_UP, P.PROGRESSING, traffic={T.NONE}, parked=True),
    _row({*_RELEASABLE, P.FINALISING}, {S.NEW}, M.START, P.PROGRESSING, traffic={T.NONE}),
    # The revision under way.
    _row({P.PROGRESSING}, {S.SAME}, M.RESTORE, P.PROGRESSING, traffic={T.REVERTED}),
    # A tool that puts the weight back each time: the release goes on all the same, or it would never end.
    _row({P.PROGRESSING}, {S.SAME}, M.ADVANCE, P.PROGRESSING, traffic={T.SOME_REVERTED}, otherwise=M.RESTORE),
    _row({P.PROGRESSING}, {S.SAME}, M.PROMOTE, P.PROMOTING, traffic={T.FULL_REVERTED}, otherwise=M.RESTORE),
    _row({P.PROGRESSING}, {S.SAME}, M.SCALE_UP, P.PROGRESSING, traffic={T.NONE}, parked=True),
    _row({P.PROGRESSING}, {S.SAME}, M.START, P.PROGRESSING, traffic={T.NONE, T.UNEVEN}),
    _row({P.PROGRESSING}, {S.SAME}, M.ADVANCE, P.PROGRESSING, traffic={T.SOME}),
    _row({P.PROGRESSING}, {S.SAME}, M.PROMOTE, P.PROMOTING, traffic={T.FULL}),
    # The canary was put back to what the primary runs.
    _row({P.PROGRESSING, P.ROLLING_BACK, P.FAILED}, {S.ON_PRIMARY}, M.RESET, P.PROGRESSING, traffic=SPLIT),
    _row(
        {P.PROGRESSING, P.FINALISING, P.ROLLING_BACK, P.FAILED},
        {S.ON_PRIMARY},
        M.RETURN,
        P.SUCCEEDED,
        traffic={T.NONE},
    ),
    # The promotion. It is finished, whatever the canary does meanwhile.
    _row({P.PROMOTING}, {S.SAME}, M.COPY, P.PROMOTING, traffic={T.FULL}, copy_due=True),
    # A promotion whose copy did not arrive, and whose weight was lowered since: the release goes on from there.
    _row({P.PROMOTING}, {S.SAME}, M.ADVANCE, P.PROGRESSING, traffic={T.SOME}, copy_due=True),
    _row({P.PROMOTING}, {S.SAME}, M.START, P.PROGRESSING, traffic={T.NONE, T.UNEVEN}, copy_due=True),
    _row({P.PROMOTING}, ANY_STANDING, M.CONCLUDE, P.FINALISING),
    _row({P.FINALISING}, ANY_STANDING, M.CONCLUDE, P.FINALISING, traffic=SPLIT),
    _row({P.FINALISING}, {S.SAME}, M.RETIRE, P.SUCCEEDED, traffic={T.NONE}),
)


def row(situation: Situation) -> Row:
    """Returns the row that applies. Raises LookupError where the table has none: that is a defect of the table."""
    for candidate in TABLE:
        if candidate.applies(situation):
            return candidate
    raise LookupError(f"no row for {situation}")
