"""The bar: on a terminal it says what is done, and leaves nothing behind; elsewhere it is nothing."""

from __future__ import annotations

import io
import re

from reconcile.report.bar import Bar


class Terminal(io.StringIO):
    """A stream that is one."""

    def isatty(self) -> bool:
        """Says so."""
        return True


def work(stream: io.StringIO) -> str:
    with Bar(stream, 2) as bar:
        bar.next("first [bold]\x1b[2J")
        bar.next("second")
    return re.sub(r"\x1b\[\d*m", "", stream.getvalue())


def test_a_terminal_shows_what_is_done_and_how_far_it_is() -> None:
    shown = work(Terminal())
    assert "0/2 first [bold]" in shown
    assert "\x1b[2J" not in shown
    assert "1/2 second" in shown
    assert shown.endswith("\x1b[2K")  # the line is cleared


def test_elsewhere_there_is_nothing() -> None:
    assert work(io.StringIO()) == ""
