"""Text of others, made fit for messages, terminals and the status."""

from __future__ import annotations

MOST_SHOWN = 80
ELLIPSIS = "…"


def printable(text: object) -> str:
    r"""Give text that a terminal can only show: whatever acts, breaks the line or hides is escaped (`\x1b`)."""
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in shown)


def worded(text: str, most: int) -> str:
    """Make words with text of others in them fit to be stored: `printable`, and at most `most` bytes."""
    return clip(printable(text), most)


def clip(text: str, most: int) -> str:
    """Cut a text to at most `most` bytes of UTF-8, between two characters, with an ellipsis where it was cut."""
    raw = text.encode("utf-8", "replace")
    if len(raw) <= most:
        return text
    return raw[: most - len(ELLIPSIS.encode())].decode("utf-8", "ignore") + ELLIPSIS


def shown(value: object) -> str:
    """Print a value of the user's in a message: the beginning of it, as JSON would write it, or its type."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        text = repr(value)
    elif isinstance(value, str):
        text = f'"{value}"'
    else:
        text = "null" if value is None else "a list" if isinstance(value, list) else "a mapping"
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 3]}..."
