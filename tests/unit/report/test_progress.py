"""The progress of a wait: a line for each change and, on a terminal, the present state."""

from __future__ import annotations

import io

from msgspec.structs import replace
from rich.console import Console

from reconcile.model.plan import Position, Record, Result
from reconcile.report.console import console_for
from reconcile.report.progress import Progress, position_line
from reconcile.report.terminal import Terminal
from tests.unit.report import factory

NAME = "2026-01-31T12:00:00Z  podinfo.test  "


def printed(*passes: Record | str) -> list[str]:
    """Returns the lines for passes, each a record or the error of a pass that could not be made."""
    stream = io.StringIO()
    with Progress(console_for(stream), "") as progress:
        for one in passes:
            if isinstance(one, str):
                progress.show_error(one, factory.NOW)
            else:
                progress.show_pass([one])
                progress.show_error("", factory.NOW)
    return [line.removeprefix(NAME) for line in stream.getvalue().splitlines()]


def halted(text: str) -> Record:
    return factory.record(factory.halting(reason=text))


def waiting(weight: int) -> Record:
    here = Position(phase="Progressing", weight=weight)
    return factory.record(factory.plan(move="wait", reason="20s left", before=here, after=here))


def test_each_change_is_printed_once() -> None:
    first, second, third = printed(
        factory.record(factory.advancing()),
        waiting(50),
        waiting(50),
        halted("request duration 2.525s > 500ms"),
        halted("request duration 1.567s > 500ms"),
        waiting(30),
        halted("request duration 823ms > 500ms"),
    )[:3]
    assert first.startswith("[####+.....]  40 % → 50 %  Progressing  advanced  every gate")
    assert second.startswith("[###.......]  30 %  Progressing  halted  request duration 2.525s > 500ms")
    # After the wait it halts still: the weight is the same, but the pass in between saw no gate fail.
    assert third.endswith("823ms > 500ms")


def test_what_another_pass_did_is_printed() -> None:
    lines = printed(factory.record(factory.advancing()), waiting(50), waiting(60), waiting(60))
    assert [line.split("  ")[0:3] for line in lines[1:]] == [["[######....]", "60 %", "Progressing"]]


def test_an_error_is_printed_once_and_then_again_if_it_is_another() -> None:
    gone, back = "no answer from https://x", factory.record(factory.advancing())
    lines = printed(back, gone, gone, waiting(50), gone)
    assert [line.rpartition("  ")[2] for line in lines[1:]] == [gone, gone]


def test_a_line_cannot_act_on_a_terminal() -> None:
    [line] = printed("\x1b[2J")
    assert line.endswith("\\x1b[2J")


def test_a_terminal_shows_the_present_state_too_and_removes_it_in_the_end() -> None:
    stream = io.StringIO()
    console = Terminal(Console(file=stream, force_terminal=True, width=120, color_system=None, _environ={}))
    with Progress(console, "a pass every 60 s") as progress:
        progress.show_pass([factory.record(factory.advancing())])
        shown = stream.getvalue()
    assert shown.count("advanced") >= 2  # the line that stays, and the one that is kept up to date
    assert "a pass every 60 s" in shown
    assert stream.getvalue().endswith(("\x1b[?25h", "\x1b[2K"))  # the cursor is back, the rest is wiped


def test_the_position_of_a_rollout_is_one_sentence() -> None:
    assert position_line(halted("no data")) == "podinfo.test is Progressing at 30 %: no data"
    record = factory.record(factory.advancing(), Result.UNREACHED, "the pass ran out of time (50s)")
    assert position_line(record) == "podinfo.test is Progressing at 40 %: the pass ran out of time (50s)"
    fresh = replace(factory.plan(), before=Position(phase="", weight=None), after=Position(phase="", weight=None))
    assert position_line(factory.record(fresh)).startswith("podinfo.test is new: ")
