"""Text from outside, for terminals and the status."""

from __future__ import annotations

from reconcile.model.text import clip, printable, storable


def test_what_a_terminal_acts_on_is_shown_and_not_sent() -> None:
    assert printable("é ✓ \U0001f600") == "é ✓ \U0001f600"
    assert printable("\x1b[2J\n\x9b\u202e\ud800\xa0") == "\\x1b[2J\\n\\x9b\\u202e\\ud800\\xa0"
    assert printable(None) == "None"
    assert storable("\x1b[2J" * 9, 10) == clip("\\x1b[2J\\x1b", 10)
