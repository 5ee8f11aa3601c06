"""Arbitrary texts and plain values, for the tests of the reports."""

from __future__ import annotations

from hypothesis import strategies as st

# Every character there is, and more often those that mean something to a terminal, to YAML or to a shell.
CHARACTERS = st.characters() | st.sampled_from(
    "\x00\x07\x1b\x7f\x85\x9b\u2028\u202e\ufeff\ud800\r\n\t :#-'\"|>[]{}&*!%@`\\"
)
TEXTS = st.text(CHARACTERS, max_size=40)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
