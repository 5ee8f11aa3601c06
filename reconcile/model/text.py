"""Text from outside, made safe for messages, terminals and the status."""

from __future__ import annotations

MOST_SHOWN = 80
MOST_MESSAGE = 1024
"""Bytes of the message of an Event or a condition."""
ELLIPSIS = "…"


def printable(text: object) -> str:
    r"""Returns the text with each character escaped that a terminal would not simply show (`\x1b`, line breaks)."""
    characters = str(text)
    if characters.isprintable():
        return characters
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in characters)


def storable(text: str, most: int) -> str:
    """Returns the text as it can be stored in a message: `printable`, and at most `most` bytes."""
    return clip(printable(text), most)


def clip(text: str, most: int) -> str:
    """Returns the text cut to at most `most` bytes of UTF-8, between two characters, with an ellipsis at the cut."""
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= most:
        return text
    return encoded[: most - len(ELLIPSIS.encode())].decode("utf-8", "ignore") + ELLIPSIS


def shown(value: object) -> str:
    """Returns a value for a message: as JSON writes it, cut if it is long; the type of a list or mapping."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        text = repr(value)
    elif isinstance(value, str):
        text = f'"{value}"'
    else:
        text = "null" if value is None else "a list" if isinstance(value, list) else "a mapping"
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 3]}..."
