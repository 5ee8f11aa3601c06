"""What is told while somebody waits: a line for each change, and on a terminal what stands."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from reconcile.model.plan import Position, Record, Result
from reconcile.report.layout import console_for
from reconcile.report.progress import Progress, standing
from tests.unit.report import factory

NAME = "2026-01-31T12:00:00Z  podinfo.test  "


def told(*passes: Record | str) -> list[str]:
    stream = io.StringIO()
    with Progress(console_for(stream)) as progress:
        for one in passes:
            if isinstance(one, str):
                progress.failed(one, factory.NOW, "")
            else:
                progress.passed([one], "")
                progress.failed("", factory.NOW, "")
    return [line.removeprefix(NAME) for line in stream.getvalue().splitlines()]


def halted(text: str) -> Record:
    return factory.record(factory.halting(reason=text))


def waiting(weight: int) -> Record:
    here = Position(phase="Progressing", weight=weight)
    return factory.record(factory.plan(move="wait", reason="20s left", before=here, after=here))


def test_each_change_is_told_once() -> None:
    first, second, third = told(
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


def test_what_another_pass_did_is_told() -> None:
    lines = told(factory.record(factory.advancing()), waiting(50), waiting(60), waiting(60))
    assert [line.split("  ")[0:3] for line in lines[1:]] == [["[######....]", "60 %", "Progressing"]]


def test_a_pass_that_could_not_be_made_is_told_once_and_then_again_if_it_is_another() -> None:
    gone, back = "no answer from https://x", factory.record(factory.advancing())
    lines = told(back, gone, gone, waiting(50), gone)
    assert [line.rpartition("  ")[2] for line in lines[1:]] == [gone, gone]


def test_a_line_cannot_act_on_a_terminal() -> None:
    [line] = told("\x1b[2J")
    assert line.endswith("\\x1b[2J")


def test_on_a_terminal_what_stands_is_shown_too_and_gone_in_the_end() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=120, color_system=None, _environ={})
    with Progress(console) as progress:
        progress.passed([factory.record(factory.advancing())], "a pass every 60 s")
        shown = stream.getvalue()
    assert shown.count("advanced") >= 2  # the line that stays, and the one that is kept up to date
    assert "a pass every 60 s" in shown
    assert stream.getvalue().endswith(("\x1b[?25h", "\x1b[2K"))  # the cursor is back, the rest is wiped


def test_where_a_rollout_stands_is_one_sentence() -> None:
    assert standing(halted("no data")) == "podinfo.test is Progressing at 30 %: no data"
    record = factory.record(factory.advancing(), Result.UNREACHED, "the pass ran out of time (50s)")
    assert standing(record) == "podinfo.test is Progressing at 40 %: the pass ran out of time (50s)"
    fresh = replace(factory.plan(), before=Position(phase="", weight=None), after=Position(phase="", weight=None))
    assert standing(factory.record(fresh)).startswith("podinfo.test is new: ")
