"""The text report: lines, totals and consoles, and that nothing in a plan reaches the terminal as it is."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconcile.core.state_machine import Move
from reconcile.model.kinds import DEPLOYMENT
from reconcile.model.plan import Gate, Outcome, Position, Result
from reconcile.report import terminal
from reconcile.report.console import Console, console_for
from reconcile.report.text import print_records, totals
from reconcile.report.verdict import DONE
from tests.unit.report import factory
from tests.unit.report.factory import printed
from tests.unit.report.strategies import TEXTS

if TYPE_CHECKING:
    import pytest

    from reconcile.model.plan import Record


def test_quiet_rollouts_share_a_table_and_others_get_a_block() -> None:
    standing = Position(phase="Progressing", weight=10)
    waiting = factory.plan(
        rollout=factory.ref("cart", "shop"),
        move="wait",
        reason="12s to go",
        before=standing,
        after=standing,
        gates=factory.gates(interval="~12s to go"),
    )
    unreached = factory.plan(rollout=factory.ref("late"), before=Position(phase="", weight=None), reason="no time left")
    halting = factory.halting(gates=(), measurements=(), patches=(), events=())

    text = printed(
        factory.record(),
        factory.record(waiting),
        factory.record(halting),
        factory.record(replace(unreached, after=unreached.before), Result.UNREACHED),
    )

    assert (
        text
        == """\
podinfo.test  [..........]   0 %  Succeeded    idle         podinfo.test runs revision v1-5f3c of podinfo-canary.test
cart.shop     [#.........]  10 %  Progressing  waiting      12s to go

podinfo.test  halted
  [######..............]  30 %  Progressing
  request duration 2.525s > 500ms
  Next  every pass looks again, and goes on from weight 30 once the cause is gone

late.test                         new          not reached  no time left

4 Rollouts: 1 idle, 1 waiting, 1 halted, 1 not reached
"""
    )


def test_brief_gives_every_rollout_one_line() -> None:
    assert (
        printed(factory.record(factory.advancing()), factory.record(factory.halting()), brief=True)
        == """\
podinfo.test  [####+.....]  40 % → 50 %  Progressing  advanced  every gate and both metrics passed at weight 40
podinfo.test  [###.......]  30 %         Progressing  halted    request duration 2.525s > 500ms

2 Rollouts: 1 advanced, 1 halted
"""
    )


def test_no_rollouts_are_told_too() -> None:
    assert printed() == "No Rollouts found.\n"


def test_the_total_counts_in_the_order_of_a_rollout() -> None:
    plans = [factory.halting(), factory.advancing(), factory.plan(), factory.advancing(), factory.plan(move="odd")]

    assert totals([factory.record(plan) for plan in plans]) == ("5 Rollouts: 1 idle, 2 advanced, 1 halted, 1 odd")


def test_the_total_of_a_dry_run_says_would() -> None:
    plans = [factory.halting(), factory.advancing(), factory.plan()]
    records = [factory.record(plan, Result.PLANNED) for plan in plans]

    assert totals([*records, factory.record(factory.plan(), Result.FAILED)]) == (
        "4 Rollouts: 1 idle, 1 halted, 1 would advance, 1 failed"
    )


def test_every_move_has_its_word() -> None:
    assert {*DONE} == {*Move}


def test_a_narrow_terminal_wraps_and_cuts_nothing() -> None:
    record = factory.record(factory.halting(gates=factory.gates(canary="!" + "an honest reason " * 9)))
    text = printed(record, width=60)

    assert all(len(line) <= 60 for line in text.splitlines())
    assert "".join(text.split()) == "".join(printed(record).split())
    assert (
        "    ✗ failed  istio_request_duration_seconds_bucket\n"
        "        request duration 2.525s > 500ms\n"
        "      query  histogram_quantile(0.99,\n"
        "             sum(irate(istio_request_duration_seconds_bucket\n"
        "             [1m])) by (le))\n"
    ) in text


def test_a_pipe_wraps_nothing_and_ends_no_line_in_blanks() -> None:
    reason = "an honest reason " * 99
    text = printed(factory.record(factory.halting(reason=reason)), factory.record())

    assert f"\n  {reason.rstrip()}\n" in text
    assert all(line == line.rstrip() for line in text.splitlines())


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def test_colours_are_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"TERM": "xterm-256color", "COLUMNS": "60"}.items():
        monkeypatch.setenv(name, value)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    seen = {}
    for stream, color in ((Terminal(), None), (Terminal(), False), (io.StringIO(), None), (io.StringIO(), True)):
        console = console_for(stream, color=color)
        print_records([factory.record(factory.advancing())], console)
        seen[stream.isatty(), color] = (_width(console) == 60, "\x1b[" in stream.getvalue())

    assert seen == {
        (True, None): (True, True),
        (True, False): (True, False),
        (False, None): (False, False),
        (False, True): (False, True),
    }


def _width(console: Console) -> int | None:
    return console.console.width if isinstance(console, terminal.Terminal) else None


def test_a_stream_without_unicode_gets_what_it_can_take() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    gates = factory.gates(interval="~é")
    print_records([factory.record(factory.advancing(gates=gates))], console_for(stream))
    stream.flush()

    text = raw.getvalue().decode("ascii")
    assert "40 % > 50 %" in text
    assert "    + scaling\n    ~ interval     ?\n" in text
    assert "    - not reached  analysis\n" in text


def test_markup_is_text() -> None:
    text = printed(factory.record(factory.halting(reason="[bold red]boo[/] :smile: [link=http://x]y[/link]")))

    assert "\n  [bold red]boo[/] :smile: [link=http://x]y[/link]\n" in text


def test_control_characters_are_shown_and_not_sent() -> None:
    text = printed(factory.record(factory.advancing(), Result.FAILED, "no\x1b]0;title\x07\r\n✓ advanced\u202e\ud800"))

    assert "  Failed  no\\x1b]0;title\\x07\\r\\n✓ advanced\\u202e\\ud800\n" in text


def spoiled(words: st.DataObject) -> Record:
    """Give a record with any text in each of its fields."""

    def text() -> str:
        return words.draw(TEXTS)

    operations = [{"op": words.draw(st.sampled_from(["add", "test", "remove"])), "path": text(), "value": text()}]
    route = factory.route_patch(40, 50)
    target = replace(factory.ref(text(), text(), DEPLOYMENT))
    fields: dict[str, Any] = {
        "rollout": factory.ref(text(), text()),
        "move": words.draw(st.sampled_from([*Move, "odd"]) | TEXTS),
        "reason": text(),
        "before": Position(phase=text(), weight=words.draw(st.none() | st.integers())),
        "after": Position(phase=text(), weight=words.draw(st.none() | st.integers(0, 100))),
        "gates": tuple(Gate(name=text(), outcome=outcome, reason=text()) for outcome in Outcome),
        "measurements": (
            replace(factory.latency(words.draw(st.none() | st.floats()), text()), metric=text(), text=text()),
            replace(factory.success_rate(words.draw(st.none() | st.floats())), query=text(), bound=text()),
        ),
        "patches": (
            replace(route, operations=(*route.operations, *operations)),
            replace(route, target=target, subresource=text()),
        ),
        "events": (factory.event(text(), text()),),
    }
    return factory.record(factory.plan(**fields), words.draw(st.sampled_from(Result)), text())


@given(st.data(), st.sampled_from([None, 5, 40, 60, 100]), st.booleans())
def test_no_text_of_a_plan_reaches_the_terminal_raw(
    words: st.DataObject,
    width: int | None,
    brief: bool,  # noqa: FBT001 - hypothesis gives values by position
) -> None:
    text = printed(spoiled(words), factory.record(), width=width, brief=brief)

    assert all(character == "\n" or character.isprintable() for character in text)
