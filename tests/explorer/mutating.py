"""How the program is broken on purpose: what replaces a function, a gate, a move or a row of the table."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from reconcile.core import moves, state_machine
from reconcile.core.state_machine import GATES, TABLE, Move

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.core.case import Case
    from reconcile.core.state_machine import Row

Mutant = Callable[[], AbstractContextManager[Any]]


def both(*mutants: Mutant) -> Mutant:
    """Returns a mutant that is all of these."""

    @contextmanager
    def applied() -> Iterator[None]:
        with ExitStack() as stack:
            for mutant in mutants:
                stack.enter_context(mutant())
            yield

    return applied


def owned(owner: Any, name: str, value: Any) -> Mutant:
    """Returns a mutant in which a member of a module or class is another one."""
    return lambda: patch.object(owner, name, value)


def ungated(move: Move, *dropped: str) -> Mutant:
    """Returns a mutant in which a move lacks gates."""
    left = tuple(gate for gate in GATES[move] if gate not in dropped)
    return lambda: patch.dict(GATES, {move: left})


def moved(*names: Move, change: Callable[[Case, moves.Effect], moves.Effect]) -> Mutant:
    """Returns a mutant in which the effect of moves is another one."""

    def changed(made: Callable[..., moves.Effect]) -> Callable[..., moves.Effect]:
        return lambda case, to: change(case, made(case, to))

    return lambda: patch.dict(moves.MOVES, {name: changed(moves.MOVES[name]) for name in names})


def table(change: Callable[[Row], Row | None]) -> Mutant:
    """Returns a mutant with other rows; None takes one out."""
    return owned(state_machine, "TABLE", tuple(row for row in map(change, TABLE) if row is not None))


def computed(owner: Any, name: str, value: Callable[[Any], Any]) -> Mutant:
    """Returns a mutant in which a property is another one."""
    return owned(owner, name, property(value))
